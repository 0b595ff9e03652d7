mod declaration;
#[cfg(feature = "consumer")]
mod declared;

pub(crate) use self::declaration::{ATTRIBUTE, Declaration, class_attribute};
#[cfg(feature = "consumer")]
pub(crate) use self::declared::{Declared, declared_by, release_stable};
