"""What a deployment pins in git about its model: contract, requirements.lock, expected answer."""
