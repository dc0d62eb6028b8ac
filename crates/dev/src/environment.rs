//! The reference page of the environment variables.

use std::fmt::Write as _;

/// The page, from the constants of the server and of the recorder.
pub(crate) fn page() -> String {
    let mut page = String::from(
        "# Environment variables\n\n\
         Generated from the sources by `make gen`; do not edit.\n\
         An argument or a value given in code wins over the environment.\n\
         A variable that is set to nothing counts as not set.\n\n\
         ## Kestrel, the server\n\n\
         | Variable | Default | |\n|---|---|---|\n",
    );
    for variable in kestrel::env::ALL {
        let description = variable.description.trim();
        row(
            &mut page,
            format_args!(
                "| `{}` | {} | {description} |",
                variable.name, variable.default
            ),
        );
    }
    page.push_str("\n## Caribou, the recorder\n\n| Variable | |\n|---|---|\n");
    for (name, description) in caribou::environment::ALL {
        row(
            &mut page,
            format_args!("| `{name}` | {} |", description.trim()),
        );
    }
    page
}

fn row(page: &mut String, row: std::fmt::Arguments<'_>) {
    writeln!(page, "{row}").expect("writing to a String cannot fail");
}
