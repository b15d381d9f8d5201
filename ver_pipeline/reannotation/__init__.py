"""The clips of a published data set annotated again; what keeps its record where no usable answer comes."""
