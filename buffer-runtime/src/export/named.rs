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

/// A constructor that is never called: PyO3's inventories have one of their own, which precedes it. If the struct is not
/// a class, the compiler takes this one for that of the unknown inventory, and reports no further error. One type has it:
/// if every type had it, the compiler would suggest this trait wherever a user calls a `new` that is missing.
#[doc(hidden)]
pub trait New<I> {
    /// The result may be collected, as an inventory may.
    #[expect(clippy::new_ret_no_self, reason = "the inventory that is meant is another type")]
    fn new(_: I) -> NoInventory {
        NoInventory
    }
}

impl<I> New<I> for NoInventory {}

/// What [`New`] makes.
#[derive(Debug)]
pub struct NoInventory;

pyo3::inventory::collect!(NoInventory);
