"""Asking a model: the prompts, the conversation about a clip, and the judgement of its answers."""
