"""The program that holds the model, run by the interpreter of the model's own environment.

It uses the standard library, numpy and what the model brings, nothing of the server's packages,
and is written for Python 3.8 and later, whatever the server itself runs on.
"""
