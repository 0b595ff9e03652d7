//! What the expansion names of a class, so that a struct that is not a class causes one error.

use pyo3::impl_::pyclass::PyClassImpl;

use super::reach::Class;

/// What the expansion names of a class. For a struct that is not a class the compiler reports one error, and assumes
/// that the rest is right.
pub trait Named {
    /// The class itself.
    type Itself;
    /// Where PyO3 collects the methods and slots of the class.
    type Inventory;
}

// The bound is `Class`, so that its message is shown.
#[diagnostic::do_not_recommend]
impl<T: Class + PyClassImpl> Named for T {
    type Itself = T;
    type Inventory = <T as PyClassImpl>::Inventory;
}

/// A constructor that every type seems to have, and that is never called: PyO3's inventories have one of their own,
/// which precedes it. If the struct is not a class, the compiler takes this one for that of the unknown inventory, and
/// reports no further error.
#[doc(hidden)]
pub trait New<I> {
    /// The result may be collected, as an inventory may.
    #[expect(clippy::new_ret_no_self, reason = "any type can be the one that is meant")]
    fn new(_: I) -> NoInventory {
        NoInventory
    }
}

impl<T, I> New<I> for T {}

/// What [`New`] makes.
#[derive(Debug)]
pub struct NoInventory;

pyo3::inventory::collect!(NoInventory);
