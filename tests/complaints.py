"""What the command says on standard error, whether or not rules were compiled before."""


def without_compiling(err):
    """The text without the lines that come only where numba's cache is cold."""
    lines = err.splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("popgym: compiling "))
