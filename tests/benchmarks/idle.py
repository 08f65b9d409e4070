"""A task that does nothing and has a result of real size. Every worker imports this module, so it imports nothing."""

found = {}


def found_before(frame, task, number):
    """What another task found, computed once in a process."""
    if task.name not in found:
        found[task.name] = task.function(frame, *task.arguments, **dict(task.options))
    return found[task.name]
