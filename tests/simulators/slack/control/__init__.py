"""The control API under /sim: what people do in the workspace, what goes wrong, and what can be seen of it all."""
