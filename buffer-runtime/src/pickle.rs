//! Objects that travel: `pickle`, `copy`, and whatever is made of them.
//!
//! `table` has what the derive declares about a class. `leave` takes an object apart, `arrive` puts one together from
//! parts that may be wrong, and `copied` does both without a pickle. `frame` reads the memory that arrives, and
//! `storages` makes storages of it. `methods` has the functions that CPython calls.
//!
//! A pickle is `cls.__buffer_rebuild__(version, {name: value})`. The value of a cell is the format of its elements and
//! its memory: all of it, whatever the class exports of it, so that the declared layout fits again. The value of
//! another field is what PyO3 makes of it.

mod arrive;
mod copied;
mod field;
mod format;
mod frame;
#[cfg(fuzzing)]
pub mod fuzz;
mod leave;
mod lineage;
mod methods;
mod refused;
mod state;
mod storages;
mod table;

pub use self::arrive::Arrived;
pub use self::field::{Field, Instance, Root};
pub use self::leave::Given;
pub use self::methods::methods;
pub use self::storages::{ArrivingCell, Rebuilt};
pub use self::table::Pickled;

/// The version of what [`leave`] writes. A change of the names or of the meaning of what is written needs a new one.
const VERSION: i32 = 1;

/// Adds the methods of `pickle` and `copy` to a class, by what `$declared` declares.
#[doc(hidden)]
#[macro_export]
macro_rules! __submit_pickle {
    ($inventory:ty, $pickled:ty, { $($declared:tt)* }) => {
        $($declared)*

        $crate::private::pyo3::inventory::submit! {{
            #[allow(unused_imports, reason = "used only if the class is none")]
            use $crate::private::New as _;
            <$inventory>::new(
                $crate::private::pyo3::impl_::pyclass::PyClassItems {
                    // SAFETY: the derive names the inventory of this class, and safe code can name no such type.
                    methods: &unsafe { $crate::private::pickle::methods::<$pickled>() },
                    slots: &[],
                },
            )
        }}
    };
}
