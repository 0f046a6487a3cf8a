"""A real model, run: SmolLM2-135M-Instruct, asked in text, in pictures and in speech, in process and over HTTP."""
