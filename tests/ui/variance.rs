//! A cell of one type is no cell of a more general one: what is written through that would be read as the first.

use std::marker::PhantomData;

use buffer_runtime::{BufferElement, ExportCell, OwnedShareGuard, ReadGuard, ShareGuard, Shared, WriteGuard};

#[derive(Clone, Copy, BufferElement)]
#[repr(C)]
struct Tagged<F> {
    id: u32,
    tag: PhantomData<F>,
}

type Special = Tagged<for<'a> fn(&'a str)>;
type General = Tagged<fn(&'static str)>;

// This one is no mistake.
fn elements(special: Special) -> General {
    special
}

fn cells<'short, 'long: 'short>(special: ExportCell<&'long u8>) -> ExportCell<&'short u8> {
    special
}

fn cells_of_elements(special: ExportCell<Vec<Special>>) -> ExportCell<Vec<General>> {
    special
}

fn shared<'short, 'long: 'short>(special: &'short Shared<&'long u8>) -> &'short Shared<&'short u8> {
    special
}

fn shared_elements<'a>(special: &'a Shared<Special>) -> &'a Shared<General> {
    special
}

fn read(special: ReadGuard<'_, Vec<Special>>) -> ReadGuard<'_, Vec<General>> {
    special
}

fn share(special: ShareGuard<'_, Vec<Special>>) -> ShareGuard<'_, Vec<General>> {
    special
}

fn share_owned(special: OwnedShareGuard<Vec<Special>>) -> OwnedShareGuard<Vec<General>> {
    special
}

fn write(special: WriteGuard<'_, Vec<Special>>) -> WriteGuard<'_, Vec<General>> {
    special
}

fn main() {}
