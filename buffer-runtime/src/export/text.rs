//! Which fields are texts of the standard library, so that reading them runs no user code.

use std::borrow::Cow;
use std::marker::PhantomData;
use std::sync::Arc;

use super::class::ShapeSource;
#[cfg(feature = "format")]
use crate::format::Format;

/// A field of this type that a class declares as the format of its items.
#[derive(Debug)]
pub struct TextOf<T: ?Sized>(PhantomData<T>);

/// A field of another type, whose text is what the user's code returns. Only then rustc takes this constant and not an
/// inherent one.
pub trait TextByCode {
    /// Where a shape comes from that is declared together with this text, and runs no other code.
    const SOURCE_WITH_TEXT: ShapeSource = ShapeSource::Code;
}

impl<T: ?Sized> TextByCode for TextOf<T> {}

macro_rules! texts {
    ($($text:ty,)*) => {$(
        impl TextOf<$text> {
            /// See [`TextByCode`].
            pub const SOURCE_WITH_TEXT: ShapeSource = ShapeSource::Fields;
        }
    )*};
}

texts! { String, &str, Box<str>, Arc<str>, Cow<'_, str>, }

#[cfg(feature = "format")]
texts! { Format, }
