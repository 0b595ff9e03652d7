//! The notes of all traced views, grouped by block.
//!
//! One mutex guards them. While it is locked, no Python code runs, and the thread that holds it waits for no other
//! thread.
//!
//! In a forked child, another thread of the parent may have left the mutex locked for ever. So a child waits for a
//! limited time, and then takes no more notes.

use std::collections::hash_map::DefaultHasher;
use std::collections::{HashMap, HashSet};
use std::hash::BuildHasherDefault;
use std::num::NonZero;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;
use std::time::Instant;

use super::holder::Holding;
use super::place::Place;
use super::taken::Taken;
use crate::fork;
use crate::memory::{self, NoMemory, boxed};

type Hasher = BuildHasherDefault<DefaultHasher>;
type Map<K, V> = HashMap<K, V, Hasher>;

/// An index of a note or of a thread's name. Indices are reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Noted(u32);

impl Noted {
    /// No index.
    pub(super) const NOWHERE: Self = Self(u32::MAX);
}

/// The note of one view.
#[derive(Debug)]
pub(super) struct Note {
    /// The address of the block; 0 if this entry is vacant.
    block: usize,
    /// The neighbours in the list of the block's notes. In a vacant entry, `older` is the next vacant entry.
    newer: Noted,
    older: Noted,
    /// `None` if no Python function ran.
    pub(super) place: Option<&'static Place>,
    /// An index of `threads`.
    thread: Noted,
    pub(super) holding: Holding,
    pub(super) since: Instant,
}

/// The name of a thread, and how many notes refer to it. If none do, the entry is vacant.
struct Thread {
    name: Box<str>,
    notes: usize,
}

/// File, line and function.
pub(super) type Texts<'a> = (&'a str, u32, &'a str);

pub(super) struct Registry {
    notes: Vec<Note>,
    alive: usize,
    /// The first vacant note.
    vacant: Noted,
    /// The newest note of each block that has any.
    newest: Map<usize, Noted>,
    /// Never freed.
    places: Map<Texts<'static>, &'static Place>,
    /// The texts that errors refer to. Never freed.
    said: HashSet<&'static Taken, Hasher>,
    threads: Vec<Thread>,
    /// The thread that was noted last.
    thread: Noted,
}

static REGISTRY: Mutex<Registry> = Mutex::new(Registry::new());

/// Whether the mutex was left locked by a thread of the parent process.
static LOST: AtomicBool = AtomicBool::new(false);

/// How often a forked process tries to lock the mutex before it gives up.
const TRIES: usize = 100_000;

/// Locks the registry; `None` in a forked child that has lost it.
fn lock() -> Option<MutexGuard<'static, Registry>> {
    // Relaxed: no other memory depends on it.
    if LOST.load(Ordering::Relaxed) {
        return None;
    }
    let mut tries = 0;
    loop {
        match REGISTRY.try_lock() {
            Ok(registry) => return Some(registry),
            Err(TryLockError::Poisoned(registry)) => return Some(registry.into_inner()),
            Err(TryLockError::WouldBlock) if !fork::happened() => {
                return Some(REGISTRY.lock().unwrap_or_else(PoisonError::into_inner));
            }
            Err(TryLockError::WouldBlock) if tries == TRIES => {
                LOST.store(true, Ordering::Relaxed);
                return None;
            }
            Err(TryLockError::WouldBlock) => {
                tries += 1;
                thread::yield_now();
            }
        }
    }
}

/// Takes the note of a view. `None` if there is no memory, or if the registry is lost.
pub(super) fn note(
    block: NonZero<usize>,
    place: Option<Texts<'_>>,
    thread: Option<&str>,
    holding: Holding,
) -> Option<Noted> {
    lock()?.note(block.get(), place, thread, holding).ok()
}

/// Stores what an error says. `None` if there is no memory, or if the registry is lost.
pub(super) fn keep(taken: Taken) -> Option<&'static Taken> {
    lock()?.keep(taken).ok()
}

/// Forgets the note of a view of this block.
pub(super) fn forget(note: Noted, block: NonZero<usize>) {
    if let Some(mut registry) = lock() {
        registry.forget(note, block.get());
    }
}

/// Calls `with` for each note of a block, newest first, with the name of its thread. `with` must not call Python.
pub(super) fn each(block: usize, mut with: impl FnMut(&Note, Option<&str>)) {
    if let Some(registry) = lock() {
        registry.each(block, &mut with);
    }
}

impl Registry {
    const fn new() -> Self {
        Self {
            notes: Vec::new(),
            alive: 0,
            vacant: Noted::NOWHERE,
            newest: Map::with_hasher(BuildHasherDefault::new()),
            places: Map::with_hasher(BuildHasherDefault::new()),
            said: HashSet::with_hasher(BuildHasherDefault::new()),
            threads: Vec::new(),
            thread: Noted::NOWHERE,
        }
    }

    fn get(&mut self, note: Noted) -> Option<&mut Note> {
        self.notes.get_mut(note.0 as usize)
    }

    fn note(
        &mut self,
        block: usize,
        place: Option<Texts<'_>>,
        thread: Option<&str>,
        holding: Holding,
    ) -> Result<Noted, NoMemory> {
        let place = place.map(|texts| self.place(texts)).transpose()?;
        self.newest.try_reserve(1).map_err(|_| NoMemory)?;
        let thread = thread.map_or(Ok(Noted::NOWHERE), |name| self.thread(name))?;
        let older = self.newest.get(&block).copied().unwrap_or(Noted::NOWHERE);
        let note = Note { block, newer: Noted::NOWHERE, older, place, thread, holding, since: Instant::now() };

        let vacant = self.vacant;
        let noted = if let Some(entry) = self.get(vacant) {
            let next = entry.older;
            *entry = note;
            self.vacant = next;
            vacant
        } else {
            let noted = Noted(u32::try_from(self.notes.len()).map_err(|_| NoMemory)?);
            if noted == Noted::NOWHERE {
                return Err(NoMemory);
            }
            memory::push(&mut self.notes, note)?;
            noted
        };
        if let Some(older) = self.get(older) {
            older.newer = noted;
        }
        self.newest.insert(block, noted);
        if let Some(thread) = self.threads.get_mut(thread.0 as usize) {
            thread.notes += 1;
        }
        self.alive += 1;
        Ok(noted)
    }

    fn forget(&mut self, noted: Noted, block: usize) {
        let vacant = self.vacant;
        let Some(note) = self.get(noted).filter(|note| note.block == block) else { return };
        let (newer, older, thread) = (note.newer, note.older, note.thread);
        (note.block, note.older) = (0, vacant);
        self.vacant = noted;
        if let Some(older) = self.get(older) {
            older.newer = newer;
        }
        if let Some(newer) = self.get(newer) {
            newer.older = older;
        } else if older == Noted::NOWHERE {
            self.newest.remove(&block);
        } else if let Some(newest) = self.newest.get_mut(&block) {
            *newest = older;
        }
        if let Some(thread) = self.threads.get_mut(thread.0 as usize) {
            thread.notes -= 1;
        }
        self.alive -= 1;
        if self.alive == 0 {
            self.shrink();
        }
    }

    /// When the last note is gone, frees the memory if there were many.
    fn shrink(&mut self) {
        const FEW: usize = 1024;
        if self.notes.capacity() > FEW {
            self.notes = Vec::new();
        } else {
            self.notes.clear();
        }
        self.vacant = Noted::NOWHERE;
        if self.newest.capacity() > FEW {
            self.newest = Map::default();
        }
    }

    fn each(&self, block: usize, with: &mut dyn FnMut(&Note, Option<&str>)) {
        let mut next = self.newest.get(&block).copied();
        while let Some(note) = next.and_then(|noted| self.notes.get(noted.0 as usize)) {
            with(note, self.threads.get(note.thread.0 as usize).map(|thread| &*thread.name));
            next = Some(note.older);
        }
    }

    fn keep(&mut self, taken: Taken) -> Result<&'static Taken, NoMemory> {
        /// After this many detailed texts, new ones have less detail, so that they cannot use up the memory.
        const MANY: usize = 10_000;
        let taken = if self.said.len() < MANY { taken } else { taken.coarse() };
        if let Some(said) = self.said.get(&taken) {
            return Ok(said);
        }
        self.said.try_reserve(1).map_err(|_| NoMemory)?;
        let said: &'static Taken = Box::leak(boxed(taken)?);
        self.said.insert(said);
        Ok(said)
    }

    fn place(&mut self, texts: Texts<'_>) -> Result<&'static Place, NoMemory> {
        // A lookup only compares texts, so those to be found need not be `'static`.
        let places: &Map<Texts<'_>, &'static Place> = &self.places;
        if let Some(&place) = places.get(&texts) {
            return Ok(place);
        }
        self.places.try_reserve(1).map_err(|_| NoMemory)?;
        let (file, line, function) = texts;
        let place = Place { file: memory::text(file)?, line, function: memory::text(function)? };
        let place: &'static Place = Box::leak(boxed(place)?);
        self.places.insert((&place.file, line, &place.function), place);
        Ok(place)
    }

    /// The entry of a thread's name.
    fn thread(&mut self, name: &str) -> Result<Noted, NoMemory> {
        let is_of = |thread: &Thread| *thread.name == *name;
        if self.threads.get(self.thread.0 as usize).is_some_and(is_of) {
            return Ok(self.thread);
        }
        let index = if let Some(index) = self.threads.iter().position(is_of) {
            index
        } else {
            let thread = Thread { name: memory::text(name)?, notes: 0 };
            if let Some(index) = self.threads.iter().position(|thread| thread.notes == 0) {
                self.threads[index] = thread;
                index
            } else {
                memory::push(&mut self.threads, thread)?;
                self.threads.len() - 1
            }
        };
        self.thread = Noted(u32::try_from(index).map_err(|_| NoMemory)?);
        Ok(self.thread)
    }
}

#[cfg(test)]
mod tests {
    use std::ptr;

    use super::*;

    const BLOCK: usize = 4096;

    /// Tests a registry of its own. It is kept afterwards, so leak checkers do not report what it never frees.
    fn with_registry(test: impl FnOnce(&mut Registry)) {
        static KEPT: Mutex<Vec<Registry>> = Mutex::new(Vec::new());
        let mut registry = Registry::new();
        test(&mut registry);
        KEPT.lock().unwrap_or_else(PoisonError::into_inner).push(registry);
    }

    impl Registry {
        fn take(&mut self, block: usize, line: u32, thread: &str) -> Noted {
            self.note(block, Some(("a.py", line, "f")), Some(thread), Holding::WritableView).unwrap()
        }

        fn listed(&self, block: usize) -> Vec<(u32, String)> {
            let mut listed = Vec::new();
            self.each(block, &mut |note, thread| listed.push((note.place.unwrap().line, thread.unwrap().to_owned())));
            listed
        }
    }

    #[test]
    fn notes_are_listed_newest_first_whichever_of_them_end() {
        with_registry(|registry| {
            let mut alive: Vec<(usize, u32, Noted)> = Vec::new();
            let mut random = 1_u32;
            for line in 0..2000 {
                random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let chosen = (random >> 8) as usize;
                // Now and then, all notes end.
                let ends = if line % 500 > 450 { alive.len() } else { usize::from(random >> 31 == 0) };
                for _ in 0..ends.min(alive.len()) {
                    let (block, _, noted) = alive.remove(chosen % alive.len());
                    registry.forget(noted, block);
                }
                let block = BLOCK * (1 + chosen % 3);
                alive.push((block, line, registry.take(block, line, &format!("thread {}", line % 4))));
                for block in [BLOCK, 2 * BLOCK, 3 * BLOCK] {
                    let newest_first = alive.iter().rev().filter(|&&(other, ..)| other == block);
                    let expected: Vec<_> =
                        newest_first.map(|&(_, line, _)| (line, format!("thread {}", line % 4))).collect();
                    assert_eq!(registry.listed(block), expected);
                }
            }
        });
    }

    #[test]
    fn a_note_is_forgotten_once() {
        with_registry(|registry| {
            let [first, second] = [1, 2].map(|line| registry.take(BLOCK, line, "main"));
            for _ in 0..3 {
                registry.forget(second, BLOCK);
                registry.forget(first, 2 * BLOCK);
                registry.forget(Noted::NOWHERE, BLOCK);
            }
            assert_eq!(registry.listed(BLOCK), [(1, "main".to_owned())]);
            assert_eq!((registry.alive, registry.threads[0].notes), (1, 1));
        });
    }

    #[test]
    fn entries_are_used_again_while_another_note_is_alive() {
        with_registry(|registry| {
            registry.take(BLOCK, 1, "main");
            for line in 0..100 {
                let pair = [line, line + 1].map(|line| registry.take(2 * BLOCK, line, &format!("thread {line}")));
                pair.into_iter().for_each(|noted| registry.forget(noted, 2 * BLOCK));
            }
            assert_eq!((registry.notes.len(), registry.threads.len(), registry.newest.len()), (3, 3, 1));
        });
    }

    #[test]
    fn the_last_of_many_notes_frees_their_memory() {
        with_registry(|registry| {
            for count in [10, 2000] {
                let notes: Vec<_> = (1..=count).map(|n| (registry.take(n * BLOCK, 1, "main"), n * BLOCK)).collect();
                let full = (registry.notes.capacity(), registry.newest.capacity());
                notes.into_iter().for_each(|(noted, block)| registry.forget(noted, block));
                let left = (registry.notes.capacity(), registry.newest.capacity());
                assert_eq!(left, if count == 10 { full } else { (0, 0) });
            }
        });
    }

    #[test]
    fn texts_are_stored_once_and_become_coarse_when_there_are_many() {
        with_registry(|registry| {
            let mut keep = |untraced| registry.keep(Taken::untraced(untraced)).unwrap();
            assert!(ptr::eq(keep(1), keep(1)));
            let detailed = (1..=10_000).map(&mut keep).last().unwrap();
            assert_eq!(*detailed, Taken::untraced(10_000));
            assert_eq!(*keep(10_001), Taken::untraced(1));
            assert!(ptr::eq(keep(10_000), keep(10_002)));
            assert_eq!(registry.said.len(), 10_000);
            let mut place = |line| registry.place(("a.py", line, "f")).unwrap();
            assert!(ptr::eq(place(1), place(1)) && !ptr::eq(place(1), place(2)));
        });
    }
}
