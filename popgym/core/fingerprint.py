"""A short name for rules that changes whenever what they compute may change.

Numba keeps compiled code on disk and notices neither a changed constant nor a changed callee.
The fingerprint covers all that a rule reads: its code, the values of its global names, of
attributes of modules, of its closure and of its defaults, and so on for the functions it calls.
It is the same in every process: no address and no order of a set enters it.
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
"""Packages whose functions numba replaces by its own: known by name, not looked into."""


def fingerprint(rules: Iterable[Rule], layout: str = "") -> str:
    """A name of 12 characters for some rules.

    Args:
        rules: The rules.
        layout: What else the compiled code depends on, in any notation.

    Raises:
        TypeError: A rule reads a value whose changes could not be noticed; the message names
            the rule and the value, and says what to do.
    """
    reader = Reader()
    return mark("rules", layout, *[reader.function(rule.function) for rule in rules]).hex()[:12]


def mark(kind: str, *parts: str | bytes) -> bytes:
    """A digest of a kind of value and its parts, which are kept apart."""
    digest = hashlib.sha256()
    for part in (kind, *parts):
        data = part.encode(errors="surrogatepass") if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.digest()


@functools.cache
def code_digest(code: types.CodeType) -> bytes:
    """A digest of compiled Python, without the places of its lines."""
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
    """Whether a module of this name belongs to one of the `LIBRARIES`."""
    return isinstance(name, str) and name.split(".")[0] in LIBRARIES


def full_name(thing: Any) -> str:
    """The module and name of a class or function."""
    return f"{thing.__module__}.{getattr(thing, '__qualname__', thing.__name__)}"


class Reader:
    """Makes digests of functions and of the values that they read."""

    def __init__(self) -> None:
        self.done: dict[types.FunctionType, bytes] = {}
        self.function_now = ""
        """The function that is being read, for messages."""

    def function(self, function: Any) -> bytes:
        """A digest of a function: its code and all that it reads."""
        if function in self.done:
            return self.done[function]
        self.done[function] = mark("being read", str(len(self.done)))  # for what calls itself
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
            else:  # a builtin, or a variable of the function around
                continue
            parts.append(mark("read", ".".join(path), value))
        self.function_now = before
        self.done[function] = mark("function", *parts)
        return self.done[function]

    def follow(self, value: Any, name: str, attributes: tuple[str, ...]) -> bytes:
        """A digest of a value; of a module, of the attribute that is read there."""
        while isinstance(value, types.ModuleType) and not is_library(value.__name__):
            if not attributes:
                self.refuse(value, name)
            if not hasattr(value, attributes[0]):
                return mark("missing")
            name = f"{name}.{attributes[0]}"
            value, attributes = getattr(value, attributes[0]), attributes[1:]
        return self.value(value, name)

    def value(self, value: Any, name: str) -> bytes:
        """A digest of a value.

        Args:
            value: Any value.
            name: How the function calls it, for messages.

        Raises:
            TypeError: It is of a kind whose changes could not be noticed.
        """
        for kinds, digest in DIGESTS:
            if isinstance(value, kinds):
                return digest(self, value, name)
        compiled = getattr(value, "_dispatcher", value)  # of numba's @njit and @vectorize
        if hasattr(compiled, "py_func") and hasattr(compiled, "targetoptions"):
            options = self.value(compiled.targetoptions, f"the options of {name}")
            return mark("compiled", self.value(compiled.py_func, name), options)
        if type(value).__module__.startswith("numba.core.types"):
            return mark("numba type", str(value))
        if is_library(getattr(value, "__module__", None)) and hasattr(value, "__name__"):
            return mark("library", full_name(value))
        self.refuse(value, name)

    def plain(self, value: Any, name: str) -> bytes:
        """A digest of a number, a text or the like."""
        return mark(full_name(type(value)), repr(value))

    def items(self, value: Any, name: str) -> bytes:
        """A digest of a tuple or another collection, in its order if it has one."""
        things = [part for pair in value.items() for part in pair] if has_keys(value) else value
        digests = [self.value(item, f"an item of {name}") for item in things]
        if isinstance(value, (set, frozenset)):
            digests.sort()
        fields = getattr(value, "_fields", ())  # of a named tuple
        return mark("items", full_name(type(value)), repr(fields), *digests)

    def array(self, value: Any, name: str) -> bytes:
        """A digest of a numpy array or scalar; of records, field by field without the padding."""
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
        """A digest of a member of an Enum."""
        return mark(
            "member", repr((full_name(type(value)), value.name)), self.value(value.value, name)
        )

    def kind(self, value: type, name: str) -> bytes:
        """A digest of a class: an Enum, a named tuple, an exception or one of a library."""
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
        """A digest of a function that is called."""
        if is_library(value.__module__):
            return mark("library", full_name(value))
        return self.function(value)

    def builtin(self, value: types.BuiltinFunctionType, name: str) -> bytes:
        """A digest of a function written in C; a method of some object is refused."""
        if not isinstance(value.__self__, (types.ModuleType, type(None))):
            self.refuse(value, name)
        return mark("library", full_name(value))

    def refuse(self, value: Any, name: str) -> NoReturn:
        """Says that a value cannot be read by a rule, and what can."""
        kind = "module" if isinstance(value, types.ModuleType) else full_name(type(value))
        raise TypeError(
            f"{self.function_now} reads {name}, which is {aan(kind)} {kind}: the compiled code is "
            "kept on disk, and it could not be noticed when this value changes. Rules may read "
            "numbers, texts, tuples, numpy arrays, Enums, named tuples, other rules, functions, "
            "and such attributes of modules by their names. Give anything else to the rules as "
            "numbers or arrays in Family.params"
        )


def aan(word: str) -> str:
    """The article before a word."""
    return "an" if word[0] in "aeiou" else "a"


def has_keys(value: Any) -> bool:
    """Whether a collection is a dict or the like."""
    return isinstance(value, (dict, types.MappingProxyType))


PLAIN = (bool, int, float, complex, str, bytes, bytearray, range, np.dtype)
NOTHING = (type(None), type(Ellipsis), type(NotImplemented))
COLLECTIONS = (tuple, list, set, frozenset, dict, types.MappingProxyType)
DIGESTS: tuple[tuple[Any, Callable[[Reader, Any, str], bytes]], ...] = (
    (enum.Enum, Reader.member),  # before numbers: an IntEnum's member is one
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
"""Types → what makes digests of their values; the first that fits counts."""
