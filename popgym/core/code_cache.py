"""Compiled code on disk that survives damage: numba's cache, which fails with its files.

After a full disk or a crash numba's files may be empty, cut short or full of zeros. Numba then
raises whatever unpickling raises, or runs what it finds. Here each piece of code carries a
checksum, and whatever is wrong with a file, the code is compiled anew and the file replaced.
Where that fails too, for example on a full disk, the code is used without being kept.
"""

import contextlib
import functools
import hashlib
import pickle
from pathlib import Path
from typing import Any


def keep_on_disk(dispatcher: Any) -> None:
    """Makes a function of `numba.njit` look for its code on disk, and keep it there.

    Where no folder can be written to, every process compiles for itself.
    """
    with contextlib.suppress(RuntimeError, OSError):
        dispatcher._cache = sturdy_cache()(dispatcher.py_func)


@functools.cache
def sturdy_cache() -> type:
    """The class of such a cache; numba is imported only when something is compiled."""
    from numba.core.caching import CompileResultCacheImpl, FunctionCache
    from numba.core.serialize import dumps

    class Checked(CompileResultCacheImpl):
        """Turns compiled code into something to be pickled and back, with a checksum."""

        def reduce(self, cres: Any) -> tuple[bytes, bytes]:
            data = dumps(super().reduce(cres))
            return hashlib.sha256(data).digest(), data

        def rebuild(self, target_context: Any, payload: tuple[bytes, bytes]) -> Any:
            checksum, data = payload
            if hashlib.sha256(data).digest() != checksum:
                raise ValueError("the compiled code on disk is damaged")
            return super().rebuild(target_context, pickle.loads(data))

    class SturdyCache(FunctionCache):
        """The compiled forms of one function on disk."""

        _impl_class = Checked

        def load_overload(self, sig: Any, target_context: Any) -> Any:
            try:
                return super().load_overload(sig, target_context)
            except Exception:  # a damaged file can raise anything
                self._remove_files()
                return None

        def save_overload(self, sig: Any, data: Any) -> None:
            try:
                super().save_overload(sig, data)
            except Exception:
                self._remove_files()
                with contextlib.suppress(Exception):
                    super().save_overload(sig, data)

        def _remove_files(self) -> None:
            remove_files(Path(self.cache_path), f"{self._impl.filename_base}.")

    return SturdyCache


def remove_files(folder: Path, prefix: str) -> None:
    """Removes numba's files of one function, and empty folders of their names."""
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            if path.name.startswith(prefix) and path.suffix in (".nbi", ".nbc"):
                with contextlib.suppress(OSError):
                    path.rmdir() if path.is_dir() else path.unlink()
