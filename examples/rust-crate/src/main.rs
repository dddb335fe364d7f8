use std::io::Read;

fn main() -> std::io::Result<()> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    for (word, count) in tally::tally(&text) {
        println!("{count:5} {word}");
    }
    Ok(())
}
