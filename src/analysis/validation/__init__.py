"""Others' numbers beside ours."""
