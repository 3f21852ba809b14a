"""Fingerprints of rules: a fingerprint changes whenever the result of the rules may change.

Numba caches compiled code on disk, but does not detect that a constant or a called function has
changed. The fingerprint covers everything a rule reads: its code, the values of its global names,
of module attributes, of its closure and of its default arguments, and the same for the functions
it calls. It is the same in every process, because it does not depend on memory addresses or on the
order of sets.
"""

import enum
import functools
import hashlib
import sys
import types
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

import numpy as np

from popgym.core.bytecode import paths_read
from popgym.core.rules import Rule

LIBRARIES = {*sys.stdlib_module_names, "numpy", "numba"}
"""Packages whose functions numba replaces with its own. Only the names of these functions count."""


def fingerprint(rules: Iterable[Rule], layout: str = "") -> str:
    """Return the fingerprint of some rules, 12 characters.

    Args:
        rules: The rules.
        layout: Everything else on which the compiled code depends, in any notation.

    Raises:
        TypeError: If a rule reads a value whose changes cannot be detected. The message names the
            rule and the value, and says what to do.
    """
    reader = Reader()
    return mark("rules", layout, *[reader.function(rule.function) for rule in rules]).hex()[:12]


def mark(kind: str, *parts: str | bytes) -> bytes:
    """Return a digest of a kind of value and its parts, which includes the parts' lengths."""
    digest = hashlib.sha256()
    for part in (kind, *parts):
        data = part.encode(errors="surrogatepass") if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.digest()


@functools.cache
def code_digest(code: types.CodeType) -> bytes:
    """Return a digest of a code object; it does not depend on line numbers."""
    constants = [
        code_digest(each)
        if isinstance(each, types.CodeType)
        else Reader().value(each, f"a constant in {code.co_name}")
        for each in code.co_consts
    ]
    names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    counts = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags)
    handlers = getattr(code, "co_exceptiontable", b"")  # from Python 3.11 on
    return mark("code", code.co_code, repr((names, counts)), handlers, *constants)


def is_library(name: Any) -> bool:
    """Return whether a module of this name belongs to one of the ``LIBRARIES``."""
    return isinstance(name, str) and name.split(".")[0] in LIBRARIES


def full_name(thing: Any) -> str:
    """Return the module and name of a class or function."""
    return f"{thing.__module__}.{getattr(thing, '__qualname__', thing.__name__)}"


class Reader:
    """The computation of digests of functions and of the values that they read."""

    def __init__(self) -> None:
        self.done: dict[types.FunctionType, bytes] = {}
        self.function_now = ""
        """The current function, for error messages."""

    def function(self, function: Any) -> bytes:
        """Return a digest of a function: of its code and of everything it reads."""
        if function in self.done:
            return self.done[function]
        self.done[function] = mark("being read", str(len(self.done)))  # for recursive functions
        before, self.function_now = self.function_now, full_name(function)
        code, scope = function.__code__, function.__globals__
        parts = [code_digest(code)]
        for name in ("__defaults__", "__kwdefaults__"):
            parts.append(self.value(getattr(function, name), f"{name} of its arguments"))
        cells = dict(zip(code.co_freevars, function.__closure__ or (), strict=True))
        for path in paths_read(code):
            name, attributes = path[0], path[1:]
            if name in cells:
                value = self.follow(cells[name].cell_contents, name, attributes)
            elif name in scope:
                value = self.follow(scope[name], name, attributes)
            else:  # a builtin, or a variable of the enclosing function
                continue
            parts.append(mark("read", ".".join(path), value))
        self.function_now = before
        self.done[function] = mark("function", *parts)
        return self.done[function]

    def follow(self, value: Any, name: str, attributes: tuple[str, ...]) -> bytes:
        """Return a digest of a value; for a module, of the attribute that the function reads."""
        while isinstance(value, types.ModuleType) and not is_library(value.__name__):
            if not attributes:
                self.refuse(value, name)
            if not hasattr(value, attributes[0]):
                return mark("missing")
            name = f"{name}.{attributes[0]}"
            value, attributes = getattr(value, attributes[0]), attributes[1:]
        return self.value(value, name)

    def value(self, value: Any, name: str) -> bytes:
        """Return a digest of a value.

        Args:
            value: Any value.
            name: The name of the value in the function, for error messages.

        Raises:
            TypeError: If changes of such a value cannot be detected.
        """
        for kinds, digest in DIGESTS:
            if isinstance(value, kinds):
                return digest(self, value, name)
        compiled = getattr(value, "_dispatcher", value)  # numba's @njit and @vectorize
        if hasattr(compiled, "py_func") and hasattr(compiled, "targetoptions"):
            options = self.value(compiled.targetoptions, f"the options of {name}")
            return mark("compiled", self.value(compiled.py_func, name), options)
        if type(value).__module__.startswith("numba.core.types"):
            return mark("numba type", str(value))
        if is_library(getattr(value, "__module__", None)) and hasattr(value, "__name__"):
            return mark("library", full_name(value))
        self.refuse(value, name)

    def plain(self, value: Any, name: str) -> bytes:
        """Return a digest of a number, a string or a similar value."""
        return mark(full_name(type(value)), repr(value))

    def items(self, value: Any, name: str) -> bytes:
        """Return a digest of a collection; it depends on the order, except for sets."""
        things = [part for pair in value.items() for part in pair] if has_keys(value) else value
        digests = [self.value(item, f"an item of {name}") for item in things]
        if isinstance(value, (set, frozenset)):
            digests.sort()
        fields = getattr(value, "_fields", ())  # of a named tuple
        return mark("items", full_name(type(value)), repr(fields), *digests)

    def array(self, value: Any, name: str) -> bytes:
        """Return a digest of a numpy array or scalar; for records it leaves out the padding."""
        array = np.asarray(value)
        if array.dtype.hasobject:
            self.refuse(value, name)
        order = (array.flags.c_contiguous, array.flags.f_contiguous)
        kind = full_name(type(value)), repr(array.dtype), repr((array.shape, order))
        if array.dtype.names is None:
            return mark("array", *kind, array.tobytes())
        fields = [self.array(array[field], f"{name}.{field}") for field in array.dtype.names]
        return mark("records", *kind, *fields)

    def member(self, value: enum.Enum, name: str) -> bytes:
        """Return a digest of a member of an Enum."""
        return mark(
            "member", repr((full_name(type(value)), value.name)), self.value(value.value, name)
        )

    def kind(self, value: type, name: str) -> bytes:
        """Return a digest of a class: an Enum, a named tuple, an exception or a library's class."""
        if issubclass(value, enum.Enum):
            members = [self.member(member, name) for member in value.__members__.values()]
            return mark("enum", full_name(value), *members)
        fields = getattr(value, "_fields", None)
        if issubclass(value, tuple) and fields is not None:
            return mark("named tuple", full_name(value), repr(fields))
        if not issubclass(value, BaseException) and not is_library(value.__module__):
            self.refuse(value, name)
        return mark("class", full_name(value))

    def callee(self, value: types.FunctionType, name: str) -> bytes:
        """Return a digest of a function that is called."""
        if is_library(value.__module__):
            return mark("library", full_name(value))
        return self.function(value)

    def builtin(self, value: types.BuiltinFunctionType, name: str) -> bytes:
        """Return a digest of a function written in C; methods of objects raise a TypeError."""
        if not isinstance(value.__self__, (types.ModuleType, type(None))):
            self.refuse(value, name)
        return mark("library", full_name(value))

    def refuse(self, value: Any, name: str) -> NoReturn:
        """Raise a TypeError that says which values a rule may read."""
        kind = "module" if isinstance(value, types.ModuleType) else full_name(type(value))
        raise TypeError(
            f"{self.function_now} reads {name}, which is {aan(kind)} {kind}: the compiled code is "
            "cached on disk, and a change of this value could not be detected. Rules may read "
            "numbers, strings, tuples, numpy arrays, Enums, named tuples, other rules, functions, "
            "and module attributes of these kinds. Pass anything else to the rules as numbers or "
            "arrays in Family.params"
        )


def aan(word: str) -> str:
    """Return the indefinite article of a word."""
    return "an" if word[0] in "aeiou" else "a"


def has_keys(value: Any) -> bool:
    """Return whether a collection is a mapping."""
    return isinstance(value, (dict, types.MappingProxyType))


PLAIN = (bool, int, float, complex, str, bytes, bytearray, range, np.dtype)
NOTHING = (type(None), type(Ellipsis), type(NotImplemented))
COLLECTIONS = (tuple, list, set, frozenset, dict, types.MappingProxyType)
DIGESTS: tuple[tuple[Any, Callable[[Reader, Any, str], bytes]], ...] = (
    (enum.Enum, Reader.member),  # before numbers, because the members of an IntEnum are numbers
    ((np.ndarray, np.generic), Reader.array),
    (PLAIN + NOTHING, Reader.plain),
    (slice, lambda self, s, name: self.items((s.start, s.stop, s.step), name)),
    (COLLECTIONS, Reader.items),
    (Rule, lambda self, rule, name: self.function(rule.function)),
    (types.FunctionType, Reader.callee),
    (types.BuiltinFunctionType, Reader.builtin),
    (types.ModuleType, lambda self, module, name: mark("module", module.__name__)),
    (np.ufunc, lambda self, ufunc, name: mark("ufunc", ufunc.__name__)),
    (type, Reader.kind),
)
"""Types → the function that computes the digest; the first matching entry counts."""
