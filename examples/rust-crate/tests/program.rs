//! The program as its users see it.

use std::io::Write;
use std::process::{Command, Stdio};

#[test]
fn prints_counts_and_words() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_tally"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    program.stdin.take().unwrap().write_all(b"to be or not to be").unwrap();
    let output = program.wait_with_output().unwrap();
    let lines = "    2 be\n    2 to\n    1 not\n    1 or\n";
    assert_eq!(String::from_utf8(output.stdout).unwrap(), lines);
}
