//! The engine's server configuration, written beside the data at every start.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// Writes the configuration and returns its path.
pub(super) fn write(data_dir: &Path, max_memory_bytes: u64) -> io::Result<PathBuf> {
    let path = data_dir.join("engine.xml");
    let backups = data_dir.join("backups");
    fs::create_dir_all(&backups)?;
    fs::write(&path, content(&backups, max_memory_bytes))?;
    Ok(path)
}

fn content(backups: &Path, max_memory_bytes: u64) -> String {
    let backups = escaped(&backups.to_string_lossy());
    // The mark cache is what keeps short queries over many parts short; everything else that is cached, the
    // operating system caches too. Two merges at a time are what two cores can do beside queries.
    format!(
        "<clickhouse>
    <max_server_memory_usage>{max_memory_bytes}</max_server_memory_usage>
    <mark_cache_size>{mark_cache}</mark_cache_size>
    <index_mark_cache_size>{small_cache}</index_mark_cache_size>
    <index_uncompressed_cache_size>{small_cache}</index_uncompressed_cache_size>
    <uncompressed_cache_size>0</uncompressed_cache_size>
    <mmap_cache_size>64</mmap_cache_size>
    <compiled_expression_cache_size>{small_cache}</compiled_expression_cache_size>
    <query_cache><max_size_in_bytes>{small_cache}</max_size_in_bytes></query_cache>
    <background_pool_size>2</background_pool_size>
    <background_merges_mutations_concurrency_ratio>2</background_merges_mutations_concurrency_ratio>
    <background_schedule_pool_size>4</background_schedule_pool_size>
    <background_common_pool_size>2</background_common_pool_size>
    <max_thread_pool_size>512</max_thread_pool_size>
    <merge_tree>
        <fsync_after_insert>1</fsync_after_insert>
        <fsync_part_directory>1</fsync_part_directory>
        <number_of_free_entries_in_pool_to_execute_mutation>1</number_of_free_entries_in_pool_to_execute_mutation>
        <number_of_free_entries_in_pool_to_lower_max_size_of_merge>1</number_of_free_entries_in_pool_to_lower_max_size_of_merge>
        <number_of_free_entries_in_pool_to_execute_optimize_entire_partition>1</number_of_free_entries_in_pool_to_execute_optimize_entire_partition>
    </merge_tree>
    <backups><allowed_path>{backups}</allowed_path></backups>
</clickhouse>
",
        mark_cache = (max_memory_bytes / 16).min(256 << 20),
        small_cache = 16 << 20,
    )
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            control if control.is_control() => {
                write!(out, "&#{};", u32::from(control)).expect("writing to a string cannot fail");
            }
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_markup_in_its_name_stays_one_value() {
        let text = content(Path::new("/a<b>&c"), 1 << 30);
        assert!(
            text.contains("<allowed_path>/a&lt;b&gt;&amp;c</allowed_path>"),
            "{text}"
        );
    }
}
