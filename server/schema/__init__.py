"""A request against the model's signature: columns, tensors, types, parameters; pure functions."""
