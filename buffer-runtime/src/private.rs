//! The names that expanded code may use. Not public API: the runtime relies on what the derive declares here, so an
//! implementation of `Exporter` by hand would have to be right in points that no compiler checks.

pub use pyo3;
pub use pyo3::PyResult;
pub use std::ffi::CStr;
pub use std::option::Option::{self, None, Some};
pub use std::result::Result::Ok;

pub use crate::__submit_pickle as submit_pickle;
pub use crate::__submit_properties as submit_properties;
pub use crate::__submit_slots as submit_slots;
pub use crate::cell::{Because, Constructed, Field as ExportField, GuardsOfExportCell, Unexportable, UnknownGuard};
pub use crate::element::{
    AnyBytes, Bits, Element, Field, Marker, Place, Record, RecordBits, Viewable, any_bits, check, format, hole_at_end,
    hole_before, inner_format, inner_shape, inner_size, marker, needed_at_end, needed_before, size, size_of_described,
    size_of_field,
};
pub use crate::export::declares as methods;
pub use crate::export::literals;
pub use crate::export::slots::slots;
pub use crate::export::{
    Byte, Class, Declaration as ExportDeclaration, Declares, Entry, Exported, Exporter, Exports, Faultless, FieldType,
    HoldsBytes, Named, New, NoMistake, Sendable, ShapeSource, Shown, Slot, TextByCode, TextOf, Unknown, address,
    descriptor,
};
#[cfg(feature = "format")]
pub use crate::layout::FormatText;
#[cfg(not(feature = "format"))]
pub use crate::layout::NeedsFeature as FormatText;
pub use crate::layout::{
    Declaration, Declared, Descriptor, Dim, Dimension, Distance, Evaluated, Few, Fixed, InnerShape, Item, Numbers,
    Order, Parsed, Unparsed,
};
pub use crate::part::property::{c_str, property};
pub use crate::rules::{self, OnlyOneDefinition};

/// What the option `pickle` is without the feature of that name.
#[cfg(not(feature = "pickle"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __submit_pickle {
    ($($declared:tt)*) => {
        ::core::compile_error!(
            "the feature `pickle` of `buffer-runtime` is off; turn it on in `Cargo.toml`, as in `features = [\"pickle\"]`, or \
             remove `pickle` here"
        );
    };
}

/// What the option `pickle` names.
#[cfg(feature = "pickle")]
pub mod pickle {
    pub use crate::pickle::{
        Arrived, ArrivingCell, Field, FieldName, Given, Instance, Pickled, Root, Strings, methods,
    };
}

/// The entry points of the fuzz targets.
#[cfg(fuzzing)]
pub mod fuzz {
    pub use crate::cell::fuzz as exporter;
    #[cfg(all(feature = "consumer", feature = "dlpack"))]
    pub use crate::dlpack::fuzz as tensor;
    #[cfg(all(feature = "ndarray", feature = "pickle"))]
    pub use crate::pickle::fuzz as arrival;
    #[cfg(feature = "consumer")]
    pub use crate::view::fuzz as consumer;
}
