//! Pickling and copying of objects: `pickle`, `copy`, and whatever is built on them.
//!
//! `table` has what the derive declares about a class. `leave` takes an object apart, `arrive` builds one from parts
//! that may be wrong, and `copied` does both without a pickle. `frame` reads the memory of a pickle, and `storages`
//! makes storages from it. `methods` has the functions that CPython calls. `strings` keeps what is the same in all pickles
//! of a class.
//!
//! A pickle is `cls.__buffer_rebuild__(version, {name: value})`. For a cell, the value is the format of its elements
//! and all of its memory, even if the class exports only part of it: so the declared layout fits again. For any other
//! field, the value is the object that PyO3 converts the field to.

use std::ffi::c_int;

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
mod strings;
mod table;

pub use self::arrive::Arrived;
pub use self::field::{Field, Instance, Root};
pub use self::leave::Given;
pub use self::methods::methods;
pub use self::storages::{ArrivingCell, Rebuilt};
pub use self::strings::{FieldName, Strings};
pub use self::table::Pickled;

/// The version of the data that [`leave`] writes. Increase it when the names or the meaning of that data change.
const VERSION: c_int = 1;

/// Adds the methods for `pickle` and `copy` to a class, according to `$declared`.
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
