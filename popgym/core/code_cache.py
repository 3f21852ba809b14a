"""A version of numba's on-disk cache that tolerates damaged files.

After a full disk or a crash, the files of numba's cache may be empty, truncated or full of zeros.
Numba then raises an exception from unpickling, or runs the damaged code. This cache stores a
checksum with the code. If a file is damaged, the code is compiled again and the file is replaced.
If that fails too, for example because the disk is full, the code is used without being saved.
"""

import contextlib
import functools
import hashlib
import pickle
from pathlib import Path
from typing import Any


def keep_on_disk(dispatcher: Any) -> None:
    """Make a function of ``numba.njit`` load its compiled code from disk, and save it there.

    If no cache folder is writable, every process compiles the function itself.
    """
    with contextlib.suppress(RuntimeError, OSError):
        dispatcher._cache = sturdy_cache()(dispatcher.py_func)


@functools.cache
def sturdy_cache() -> type:
    """Return the class of the cache; numba is imported only when something is compiled."""
    from numba.core.caching import CompileResultCacheImpl, FunctionCache
    from numba.core.serialize import dumps

    class Checked(CompileResultCacheImpl):
        """Conversion of compiled code to and from picklable data, with a checksum."""

        def reduce(self, cres: Any) -> tuple[bytes, bytes]:
            data = dumps(super().reduce(cres))
            return hashlib.sha256(data).digest(), data

        def rebuild(self, target_context: Any, payload: tuple[bytes, bytes]) -> Any:
            checksum, data = payload
            if hashlib.sha256(data).digest() != checksum:
                raise ValueError("the compiled code on disk is damaged")
            return super().rebuild(target_context, pickle.loads(data))

    class SturdyCache(FunctionCache):
        """The on-disk cache of one function, with an entry for each signature."""

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
    """Remove numba's cache files of one function, and empty folders with such names."""
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            if path.name.startswith(prefix) and path.suffix in (".nbi", ".nbc"):
                with contextlib.suppress(OSError):
                    path.rmdir() if path.is_dir() else path.unlink()
