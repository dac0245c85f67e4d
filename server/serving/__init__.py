"""The processes of the verb ``serve``: started, connected to the model, drained and ended."""
