from typing import final

@final
class Matrix:
    """A float32 matrix: a fixed number of columns, a growing number of rows."""

    def __new__(cls, ncols: int) -> Matrix: ...
    def add_row(self) -> None:
        """Appends a row of zeros. Raises `BufferError` while any view is alive."""

    def __buffer__(self, flags: int, /) -> memoryview: ...
