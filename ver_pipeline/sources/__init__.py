"""Where videos come from: folders, lists and object stores, with their sidecars."""
