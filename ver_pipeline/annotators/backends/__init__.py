"""How questions reach a model: over HTTP, in this process, in vLLM, or from a file."""
