"""The command line's groups: parse, call, print. Nothing heavy is imported before a command runs."""
