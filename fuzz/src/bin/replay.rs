//! `replay CORPUS COUNT [TARGET...]`: runs every input of the corpus, and then `COUNT` new inputs for each target,
//! which are random changes of those. The random numbers are the same at each run.

use std::any::Any;
use std::path::Path;
use std::{env, error, fs, panic, process};

use buffer_fuzz::TARGETS;

/// The length in bytes of the longest new input.
const LONGEST: usize = 400;

fn main() -> Result<(), Box<dyn error::Error>> {
    let mut arguments = env::args().skip(1);
    let (Some(corpus), Some(count)) = (arguments.next(), arguments.next()) else {
        return Err("usage: replay CORPUS COUNT [TARGET...]".into());
    };
    let count: u64 = count.parse()?;
    let wanted: Vec<String> = arguments.collect();
    for (name, run) in TARGETS.into_iter().filter(|(name, _)| wanted.is_empty() || wanted.iter().any(|it| it == name)) {
        let kept = inputs(&Path::new(&corpus).join(name))?;
        if kept.is_empty() {
            return Err(format!("no inputs of {name} are kept in {corpus}").into());
        }
        kept.iter().for_each(|input| replay(name, run, input));
        let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
        for _ in 0..count {
            replay(name, run, &chance.input(&kept));
        }
        println!("{name}: {} inputs of the corpus and {count} new ones", kept.len());
    }
    Ok(())
}

/// The contents of a folder's files, in the order of their names.
fn inputs(dir: &Path) -> Result<Vec<Vec<u8>>, Box<dyn error::Error>> {
    let entries = fs::read_dir(dir).map_err(|error| format!("cannot list {}: {error}", dir.display()))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, std::io::Error>>()?;
    paths.sort();
    Ok(paths.iter().map(fs::read).collect::<Result<_, _>>()?)
}

fn replay(name: &str, run: fn(&[u8]), input: &[u8]) {
    let failed = |_: Box<dyn Any + Send>| {
        eprintln!("{name} failed, on this input:\n  b\"{}\"", input.escape_ascii());
        process::exit(1);
    };
    panic::catch_unwind(|| run(input)).unwrap_or_else(failed);
}

/// Pseudo-random numbers (SplitMix64).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).expect("below a usize")
    }

    fn byte(&mut self) -> u8 {
        const EDGES: [u8; 8] = [0, 1, 2, 0x7f, 0x80, 0xfe, 0xff, b'{'];
        let edge = EDGES[self.below(EDGES.len())];
        if self.below(2) == 0 { edge } else { self.next() as u8 }
    }

    /// An input of the corpus with a few changes. A change may replace its end by the end of another input.
    fn input(&mut self, kept: &[Vec<u8>]) -> Vec<u8> {
        let mut input = kept[self.below(kept.len())].clone();
        for _ in 0..=self.below(5) {
            let at = self.below(input.len() + 1);
            match self.below(6) {
                0 => input.insert(at, self.byte()),
                1 if at < input.len() => drop(input.remove(at)),
                2 => input.truncate(at),
                3 => {
                    let other = &kept[self.below(kept.len())];
                    let from = self.below(other.len() + 1);
                    input.truncate(at);
                    input.extend_from_slice(&other[from..]);
                }
                4 => (0..8).for_each(|_| input.insert(at, self.byte())),
                _ if at < input.len() => input[at] = self.byte(),
                _ => input.push(self.byte()),
            }
        }
        input.truncate(LONGEST);
        input
    }
}
