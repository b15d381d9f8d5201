"""Who writes annotations: from measurements (``cues``), or by asking a model (``teacher``, over ``backends``)."""
