//! Names for a crate that is also a Python module.

use anyhow::{Result, bail, ensure};

/// Keywords of Rust or Python, reserved ones included.
const KEYWORDS: &str = "\
    abstract and as assert async await become box break class const continue crate def del do dyn elif else enum except \
    extern final finally fn for from gen global if impl import in is lambda let loop macro match mod move mut nonlocal \
    not or override pass priv pub raise ref return self static struct super trait try type typeof unsafe unsized use \
    virtual where while with yield";

/// The standard modules of CPython 3.9 to 3.15. `import` finds these instead of another module of the same name.
const STANDARD: &str = "\
    abc aifc annotationlib antigravity argparse array ast asynchat asyncio asyncore atexit audioop base64 bdb \
    binascii binhex bisect builtins bz2 calendar cgi cgitb chunk cmath cmd code codecs codeop collections colorsys \
    compileall compression concurrent configparser contextlib contextvars copy copyreg crypt csv ctypes curses \
    dataclasses datetime dbm decimal difflib dis distutils doctest email encodings ensurepip enum errno \
    faulthandler fcntl filecmp fileinput fnmatch formatter fractions ftplib functools gc genericpath getopt \
    getpass gettext glob graphlib grp gzip hashlib heapq hmac html http idlelib imaplib imghdr imp importlib \
    inspect io ipaddress itertools json keyword lib2to3 linecache locale logging lzma mailbox mailcap marshal math \
    mimetypes mmap modulefinder msilib msvcrt multiprocessing netrc nis nntplib nt ntpath nturl2path numbers \
    opcode operator optparse os ossaudiodev parser pathlib pdb pickle pickletools pipes pkgutil platform plistlib \
    poplib posix posixpath pprint profile profiling pstats pty pwd py_compile pyclbr pydoc pydoc_data pyexpat \
    queue quopri random re readline reprlib resource rlcompleter runpy sched secrets select selectors shelve shlex \
    shutil signal site smtpd smtplib sndhdr socket socketserver spwd sqlite3 sre_compile sre_constants sre_parse \
    ssl stat statistics string stringprep struct subprocess sunau symbol symtable sys sysconfig syslog tabnanny \
    tarfile telnetlib tempfile termios textwrap this threading time timeit tkinter token tokenize tomllib trace \
    traceback tracemalloc tty turtle turtledemo types typing unicodedata unittest urllib uu uuid venv warnings \
    wave weakref webbrowser winreg winsound wsgiref xdrlib xml xmlrpc zipapp zipfile zipimport zlib zoneinfo";

/// Names of packages and crates that the new crate uses, and names that cargo reserves.
const USED: &str = "\
    alloc buffer_derive buffer_runtime core maturin numpy pip proc_macro pyo3 pytest src std target tests";

/// The name of the crate in a folder with this name.
pub(super) fn of(folder: &str) -> Result<String> {
    let name = folder.replace('-', "_");
    if let Some(fitting) = fitted(&name) {
        ensure!(
            name == fitting,
            "`{folder}` cannot name a Rust crate and a Python module: use lowercase letters, digits and `_`, and begin \
             with a letter; for example `{fitting}`"
        );
    } else {
        bail!("`{folder}` has no ASCII letter, as the name of a crate needs; choose a name such as `matrix`");
    }
    let among = |names: &str| names.split(' ').any(|it| it == name);
    for (names, what) in [
        (KEYWORDS, "is a keyword of Rust or Python"),
        (STANDARD, "is a module of Python's own, which `import` would find instead"),
        (USED, "is a name that the crate uses for something else"),
    ] {
        ensure!(!among(names), "`{folder}` {what}; choose another name, for example `my_{name}`");
    }
    Ok(name)
}

/// Replaces or removes the characters that a crate's name cannot have. `None` if nothing is left.
fn fitted(name: &str) -> Option<String> {
    let begin = name.find(|it: char| it.is_ascii_alphabetic())?;
    let kept = name[begin..].chars().map(|it| if it.is_ascii_alphanumeric() { it.to_ascii_lowercase() } else { '_' });
    Some(kept.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_folders_that_fit() {
        for (folder, name) in [("matrix", "matrix"), ("wind-speeds", "wind_speeds"), ("h2o", "h2o"), ("a_1", "a_1")] {
            assert_eq!(of(folder).unwrap(), name);
        }
    }

    #[test]
    fn names_that_do_not_fit_come_with_one_that_does() {
        for (folder, fitting) in
            [("Matrix", "matrix"), ("2d", "d"), ("_x", "x"), ("wind speeds", "wind_speeds"), ("größe", "gr__e")]
        {
            let error = of(folder).unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{folder}` cannot name a Rust crate")), "{error}");
            assert!(error.ends_with(&format!("for example `{fitting}`")), "{error}");
            assert_eq!(of(fitting).unwrap(), fitting);
        }
        assert!(of("12").unwrap_err().to_string().contains("has no ASCII letter"));
    }

    #[test]
    fn names_that_mean_something_else_are_refused() {
        for (folder, why) in [
            ("match", "is a keyword of Rust or Python"),
            ("lambda", "is a keyword of Rust or Python"),
            ("random", "is a module of Python's own"),
            ("zoneinfo", "is a module of Python's own"),
            ("numpy", "uses for something else"),
            ("buffer-runtime", "uses for something else"),
        ] {
            let error = of(folder).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
            let fitting = folder.replace('-', "_");
            assert!(error.ends_with(&format!("for example `my_{fitting}`")), "{error}");
        }
    }
}
