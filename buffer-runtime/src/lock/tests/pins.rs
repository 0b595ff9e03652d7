//! What pins and tensors refuse.

use super::*;

#[test]
fn a_pin_refuses_who_would_move_what_was_seen() {
    let pin = Pin::new();
    let refused =
        || [GuardKind::Read, GuardKind::Share, GuardKind::Write, GuardKind::Closed].map(|kind| pin.admit(kind).err());
    assert!(!pin.is_set());
    assert_eq!(refused(), [None; 4]);
    pin.set(ViewKind::ReadOnly);
    let seen = Some(Blocker::Pinned { writable: false });
    assert_eq!(refused(), [None, None, seen, seen]);
    pin.set(ViewKind::Writable);
    pin.set(ViewKind::ReadOnly);
    let written = Some(Blocker::Pinned { writable: true });
    assert_eq!(refused(), [written, None, written, written]);
    assert!(pin.is_set());
}

#[test]
fn tensors_keep_out_who_would_move_or_read_their_memory() {
    let pin = Pin::new();
    let refused = || {
        [GuardKind::Read, GuardKind::Share, GuardKind::Write, GuardKind::Closed]
            .map(|kind| pin.admit_beside_tensors(kind).err())
    };
    let tensors = |count| Some(Blocker::Tensors(count));
    assert_eq!((pin.tensors(), pin.had_tensors()), (0, false));
    pin.begin_tensor(ViewKind::ReadOnly).unwrap();
    assert_eq!(refused(), [None, None, tensors(1), tensors(1)]);
    pin.begin_tensor(ViewKind::Writable).unwrap();
    assert_eq!(refused(), [tensors(2), None, tensors(2), tensors(2)]);
    // The decision about the pin alone ignores tensors.
    assert_eq!(pin.admit(GuardKind::Write), Ok(()));
    assert!(!pin.is_set());
    pin.end_tensor();
    assert_eq!(refused(), [tensors(1), None, tensors(1), tensors(1)]);
    pin.end_tensor();
    assert_eq!(refused(), [None; 4]);
    pin.begin_tensor(ViewKind::ReadOnly).unwrap();
    assert_eq!(refused(), [None, None, tensors(1), tensors(1)]);
    pin.set(ViewKind::Writable);
    let pinned = Some(Blocker::Pinned { writable: true });
    assert_eq!(refused(), [pinned, None, pinned, pinned]);
    pin.end_tensor();
    assert_eq!((pin.tensors(), pin.had_tensors()), (0, true));

    let full = Pin::full_of_tensors();
    assert_eq!(full.begin_tensor(ViewKind::Writable), Err(Blocker::Full));
    full.end_tensor();
    assert_eq!(full.begin_tensor(ViewKind::Writable), Ok(()));
    assert_eq!(full.begin_tensor(ViewKind::ReadOnly), Err(Blocker::Full));
}
