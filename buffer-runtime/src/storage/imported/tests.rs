//! Imported memory under Miri, with a stand-in for the interpreter.
