"""The Open Inference Protocol (v2): bytes of its messages to a request and back.

Source: https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
"""
