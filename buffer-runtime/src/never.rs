//! The supertrait of bounds that no type satisfies. Such a bound exists for the text of its error.

/// Has no implementation, and no other crate can name it.
pub trait Never {}
