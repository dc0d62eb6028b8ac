//! The C functions of `libchdb.so`, loaded at run time so that the library stays optional.

use std::ffi::{c_char, c_int, c_void};
use std::path::Path;

use libloading::Library;
use libloading::os::unix::{Library as UnixLibrary, RTLD_LOCAL, RTLD_NOW};

/// `chdb_connection` of the C header: one session.
pub(super) type RawConnection = *mut c_void;
/// `chdb_connection *`: what `chdb_connect` returns and `chdb_close_conn` takes.
pub(super) type RawConnectionBox = *mut RawConnection;
/// `chdb_result *`.
pub(super) type RawResult = *mut c_void;
/// `chdb_insert_stream`.
pub(super) type RawInsert = *mut c_void;

type ConnectFn = unsafe extern "C" fn(c_int, *mut *mut c_char) -> RawConnectionBox;
type CloseFn = unsafe extern "C" fn(RawConnectionBox);
type WithParamsFn<R> = unsafe extern "C" fn(
    RawConnection,
    *const c_char,
    usize,
    *const c_char,
    usize,
    *const *const c_char,
    *const usize,
    *const *const c_char,
    *const usize,
    usize,
) -> R;
type NumberFn = unsafe extern "C" fn(RawResult) -> u64;

/// The functions that are used, by their C names without the prefix.
pub(super) struct Api {
    pub(super) connect: ConnectFn,
    pub(super) close_conn: CloseFn,
    pub(super) query_with_params_n: WithParamsFn<RawResult>,
    pub(super) stream_query_with_params_n: WithParamsFn<RawResult>,
    pub(super) stream_fetch_result: unsafe extern "C" fn(RawConnection, RawResult) -> RawResult,
    pub(super) stream_cancel_query: unsafe extern "C" fn(RawConnection, RawResult),
    pub(super) destroy_query_result: unsafe extern "C" fn(RawResult),
    pub(super) result_buffer: unsafe extern "C" fn(RawResult) -> *const c_char,
    pub(super) result_length: unsafe extern "C" fn(RawResult) -> usize,
    pub(super) result_error: unsafe extern "C" fn(RawResult) -> *const c_char,
    pub(super) result_rows_read: NumberFn,
    pub(super) result_bytes_read: NumberFn,
    pub(super) result_storage_rows_read: NumberFn,
    pub(super) result_storage_bytes_read: NumberFn,
    pub(super) result_rows_written: NumberFn,
    pub(super) result_bytes_written: NumberFn,
    pub(super) stream_insert_with_params_n: WithParamsFn<RawInsert>,
    pub(super) stream_insert_error: unsafe extern "C" fn(RawInsert) -> *const c_char,
    pub(super) stream_append: unsafe extern "C" fn(RawInsert, *const c_void, usize) -> c_int,
    pub(super) stream_done: unsafe extern "C" fn(RawInsert) -> RawResult,
    pub(super) stream_cancel_insert: unsafe extern "C" fn(RawInsert),
    pub(super) destroy_insert_stream: unsafe extern "C" fn(RawInsert),
}

impl Api {
    /// Loads the library for the rest of the process: its threads would not survive unloading.
    pub(super) fn load(path: &Path) -> Result<&'static Self, libloading::Error> {
        // SAFETY: the library is the pinned libchdb.so, or one that the user named; its initialisers are those of
        // ClickHouse and expect nothing of the caller.
        let library = unsafe { UnixLibrary::open(Some(path), RTLD_NOW | RTLD_LOCAL)? };
        let library: &'static Library = Box::leak(Box::new(library.into()));
        let api = Self::bind(library)?;
        // SAFETY: the C header declares `void chdb_set_signal_handlers_enabled(int)`, to be called before connecting.
        unsafe {
            let set_enabled: unsafe extern "C" fn(c_int) =
                symbol(library, c"chdb_set_signal_handlers_enabled")?;
            set_enabled(0);
        }
        Ok(Box::leak(Box::new(api)))
    }

    fn bind(library: &'static Library) -> Result<Self, libloading::Error> {
        // SAFETY: the field types are the signatures that the C header of this version declares.
        unsafe {
            Ok(Self {
                connect: symbol(library, c"chdb_connect")?,
                close_conn: symbol(library, c"chdb_close_conn")?,
                query_with_params_n: symbol(library, c"chdb_query_with_params_n")?,
                stream_query_with_params_n: symbol(library, c"chdb_stream_query_with_params_n")?,
                stream_fetch_result: symbol(library, c"chdb_stream_fetch_result")?,
                stream_cancel_query: symbol(library, c"chdb_stream_cancel_query")?,
                destroy_query_result: symbol(library, c"chdb_destroy_query_result")?,
                result_buffer: symbol(library, c"chdb_result_buffer")?,
                result_length: symbol(library, c"chdb_result_length")?,
                result_error: symbol(library, c"chdb_result_error")?,
                result_rows_read: symbol(library, c"chdb_result_rows_read")?,
                result_bytes_read: symbol(library, c"chdb_result_bytes_read")?,
                result_storage_rows_read: symbol(library, c"chdb_result_storage_rows_read")?,
                result_storage_bytes_read: symbol(library, c"chdb_result_storage_bytes_read")?,
                result_rows_written: symbol(library, c"chdb_result_rows_written")?,
                result_bytes_written: symbol(library, c"chdb_result_bytes_written")?,
                stream_insert_with_params_n: symbol(library, c"chdb_stream_insert_with_params_n")?,
                stream_insert_error: symbol(library, c"chdb_stream_insert_error")?,
                stream_append: symbol(library, c"chdb_stream_append")?,
                stream_done: symbol(library, c"chdb_stream_done")?,
                stream_cancel_insert: symbol(library, c"chdb_stream_cancel_insert")?,
                destroy_insert_stream: symbol(library, c"chdb_destroy_insert_stream")?,
            })
        }
    }
}

/// # Safety
///
/// `F` must be the type of the C function of that name.
unsafe fn symbol<F: Copy>(
    library: &'static Library,
    name: &std::ffi::CStr,
) -> Result<F, libloading::Error> {
    // SAFETY: the caller vouches for the type; the library is never unloaded.
    unsafe {
        library
            .get::<F>(name.to_bytes_with_nul())
            .map(|found| *found)
    }
}
