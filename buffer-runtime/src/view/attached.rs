//! Views stay on the thread that is attached to Python.
//!
//! A view holds a token and pointers. If the compiler derived `Send` and `Sync` from these fields, each field would
//! cause an error of its own, about its type. So both traits are implemented here, under a bound that no type
//! satisfies: the unsatisfied bound is the only error.

use super::{BufferView, BufferViewMut, ConvertedView, FloatView, FloatViewMut, Items};
use crate::never::Never;

/// A bound that no type satisfies.
///
/// # Safety
///
/// It must never be implemented: a view is released, and its `Python` token is used, on an attached thread.
#[diagnostic::on_unimplemented(
    message = "`{Self}` belongs to the thread that is attached to Python; it cannot be used while detached, nor on \
               another thread",
    label = "the view cannot go here, but its items can",
    note = "before this, write `let items = view.shared_in_memory_order()` (`match` a `FloatView` first), which is `None` if \
            the items are not contiguous; use `items` in `py.detach` and in the threads of `std::thread::scope`",
    note = "to keep the items, copy them with `to_vec`; to keep the object, store it as `Py<PyAny>` and view it in each call"
)]
pub unsafe trait UsableWhileDetached: Never {}

/// Implements `Send` and `Sync` under the bound that is never satisfied.
macro_rules! stays_attached {
    ($([$($generics:tt)*] $view:ty,)*) => {$(
        // SAFETY: no type satisfies the bound, so the view is not `Send`.
        unsafe impl<$($generics)*> Send for $view where Self: UsableWhileDetached {}
        // SAFETY: as above, so the view is not `Sync`.
        unsafe impl<$($generics)*> Sync for $view where Self: UsableWhileDetached {}
    )*};
}

stays_attached! {
    [T] BufferView<'_, T>,
    [T] BufferViewMut<'_, T>,
    [T] ConvertedView<'_, T>,
    ['py] FloatView<'py>,
    ['py] FloatViewMut<'py>,
    [T] Items<'_, T>,
}
