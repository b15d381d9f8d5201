"""From finished records to a data set on disk: shards, tables and pages, switched in by the manifest."""
