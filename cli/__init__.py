"""The `uplift` command: parse, call one function, print."""
