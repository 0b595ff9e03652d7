//! How a cell is constructed, so that a storage that cannot be exported causes one error, at the field of the class.
//!
//! [`ExportCell::new`] requires an implementation of [`Constructed`], and leaves `E` and `Why` to the compiler. There
//! is one for each [`Exportable`]. For the field of a class, the derive emits another one, under a bound that is
//! satisfied only if the type of the field is not known to be exportable. Then the derive has reported that error
//! already, and the call of `new` compiles. Wherever a program compiles, the first is the only one, so `new` still
//! requires an `Exportable`.
//!
//! [`GuardsOfExportCell`] does the same for the other methods. Only an `Exportable` has the real ones. For the field of
//! a class the derive implements this trait, under the same bound. The type of its guards contains an error that the
//! compiler has reported already, so no use of a guard causes a further error.

use super::{Block, ExportCell};
use crate::element;
use crate::error::BorrowError;
use crate::storage::Exportable;

/// A cell that can be constructed from an `S`. Safety does not depend on it: only the implementation of this crate can
/// construct a cell.
#[diagnostic::on_unimplemented(
    message = "`{S}` cannot be the storage of an `ExportCell`",
    label = "not memory of elements in one piece"
)]
pub trait Constructed<E, S, Why> {
    /// What `new` does.
    fn construct(storage: S) -> Self;
}

impl<S: Exportable> Constructed<(), S, ()> for ExportCell<S> {
    fn construct(storage: S) -> Self {
        // Every element type passes through here, so nothing else in the crate has to check that one keeps its
        // promises.
        const { element::check::<S::Element>() }
        Self { block: Block::header(Block::allocate(storage)).as_ptr(), owns: std::marker::PhantomData }
    }
}

/// Whether the type of a field is known to be exportable. The derive reads `KNOWN` of `Field<C>` for the type of a
/// field, and rustc takes the constant of this type, if there is one, before that of [`Unexportable`].
#[derive(Debug)]
pub struct Field<C>(std::marker::PhantomData<C>);

impl<S: Exportable> Field<ExportCell<S>> {
    /// The type is known to be exportable.
    pub const KNOWN: bool = true;
}

/// A field whose type is not known to be exportable.
pub trait Unexportable {
    /// The type is not known to be exportable.
    const KNOWN: bool = false;
}

impl<C> Unexportable for Field<C> {}

/// A bound that some `Why` satisfies if `KNOWN` is `false`, and none if it is `true`.
pub trait Because<Why, const KNOWN: bool> {}

impl Because<(), false> for () {}

/// The methods of a cell in a field whose type is an error. The trait's name says whose methods they are, because the
/// compiler shows it to a user who calls one on something else.
#[doc(hidden)]
#[allow(missing_docs, clippy::missing_errors_doc, reason = "they are those of `ExportCell`")]
pub trait GuardsOfExportCell<E, Why> {
    /// A type with that error in it.
    type Guard;

    fn write<P>(&self, _: P) -> Result<Self::Guard, BorrowError> {
        never()
    }

    fn read<P>(&self, _: P) -> Result<Self::Guard, BorrowError> {
        never()
    }

    fn share<P>(&self, _: P) -> Result<Self::Guard, BorrowError> {
        never()
    }

    fn share_owned<P>(&self, _: P) -> Result<Self::Guard, BorrowError> {
        never()
    }

    fn get_mut(&self) -> Result<Self::Guard, BorrowError> {
        never()
    }

    fn write_or_detach(&self) -> Result<Self::Guard, BorrowError> {
        never()
    }

    fn close<P>(&self, _: P) -> Result<Self::Guard, BorrowError> {
        never()
    }

    fn take<P>(&self, _: P) -> Result<Option<Self::Guard>, BorrowError> {
        never()
    }

    fn detach(&self) -> Result<(), BorrowError> {
        never()
    }
}

/// The guard of a [`GuardsOfExportCell`]. Its number cannot be evaluated.
#[derive(Debug)]
pub struct UnknownGuard<const ERROR: usize>;

fn never() -> ! {
    unreachable!("the program does not compile")
}
