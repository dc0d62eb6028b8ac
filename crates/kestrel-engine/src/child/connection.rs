//! Safe owners of what the C functions hand out.

use std::ffi::{CStr, CString, c_char};
use std::marker::PhantomData;
use std::ptr;

use super::error::ServerError;
use super::ffi::{Api, RawConnectionBox, RawInsert, RawResult};

/// A bound query parameter: its name, and its value in the text form that ClickHouse parses.
pub(super) type Param = (String, String);

/// What a statement read and wrote.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Stats {
    pub(super) read_rows: u64,
    pub(super) read_bytes: u64,
    pub(super) written_rows: u64,
    pub(super) written_bytes: u64,
    pub(super) result_rows: u64,
    pub(super) result_bytes: u64,
}

impl Stats {
    pub(super) fn add(&mut self, other: Self) {
        self.read_rows += other.read_rows;
        self.read_bytes += other.read_bytes;
        self.written_rows += other.written_rows;
        self.written_bytes += other.written_bytes;
        self.result_rows += other.result_rows;
        self.result_bytes += other.result_bytes;
    }
}

/// One session of the engine. Opening one costs 60 µs while another is open, so requests need not share them.
pub(super) struct Connection {
    api: &'static Api,
    raw: RawConnectionBox,
}

// SAFETY: the engine ties no connection to a thread; it only wants one call at a time, which `&mut self` gives.
unsafe impl Send for Connection {}

impl Connection {
    /// Opens a session with arguments in the form `--name=value`. `None` when the engine refuses, without saying why.
    pub(super) fn open(api: &'static Api, args: &[String]) -> Option<Self> {
        let args: Vec<CString> = std::iter::once("clickhouse")
            .chain(args.iter().map(String::as_str))
            .map(CString::new)
            .collect::<Result<_, _>>()
            .ok()?;
        let mut pointers: Vec<*mut c_char> =
            args.iter().map(|arg| arg.as_ptr().cast_mut()).collect();
        let count = i32::try_from(pointers.len()).ok()?;
        // SAFETY: `pointers` holds `count` zero-terminated strings that outlive the call, which copies what it keeps.
        let raw = unsafe { (api.connect)(count, pointers.as_mut_ptr()) };
        // SAFETY: when not null, the result points to a connection, which may itself be null.
        if raw.is_null() || unsafe { (*raw).is_null() } {
            return None;
        }
        Some(Self { api, raw })
    }

    /// Runs a statement and collects its whole result.
    pub(super) fn query(
        &mut self,
        sql: &[u8],
        format: &str,
        params: &[Param],
    ) -> Result<QueryResult, ServerError> {
        let params = Params::new(params);
        // SAFETY: the connection is open; every pointer comes with its length and outlives the call.
        let raw = unsafe {
            (self.api.query_with_params_n)(
                *self.raw,
                sql.as_ptr().cast(),
                sql.len(),
                format.as_ptr().cast(),
                format.len(),
                params.names.as_ptr(),
                params.name_lengths.as_ptr(),
                params.values.as_ptr(),
                params.value_lengths.as_ptr(),
                params.names.len(),
            )
        };
        QueryResult { api: self.api, raw }.checked()
    }

    /// Starts a SELECT whose result comes block by block, each formatted as a document of its own.
    pub(super) fn stream(
        &mut self,
        sql: &[u8],
        format: &str,
        params: &[Param],
    ) -> Result<ResultStream<'_>, ServerError> {
        let params = Params::new(params);
        // SAFETY: as in `query`.
        let raw = unsafe {
            (self.api.stream_query_with_params_n)(
                *self.raw,
                sql.as_ptr().cast(),
                sql.len(),
                format.as_ptr().cast(),
                format.len(),
                params.names.as_ptr(),
                params.name_lengths.as_ptr(),
                params.values.as_ptr(),
                params.value_lengths.as_ptr(),
                params.names.len(),
            )
        };
        let handle = QueryResult { api: self.api, raw }.checked()?;
        Ok(ResultStream {
            connection: self,
            handle,
            ended: false,
        })
    }

    /// Starts an INSERT whose data will be appended in `format`. The statement has neither FORMAT nor data.
    pub(super) fn insert(
        &mut self,
        sql: &[u8],
        format: &str,
        params: &[Param],
    ) -> Result<InsertStream<'_>, ServerError> {
        let params = Params::new(params);
        // SAFETY: as in `query`.
        let raw = unsafe {
            (self.api.stream_insert_with_params_n)(
                *self.raw,
                sql.as_ptr().cast(),
                sql.len(),
                format.as_ptr().cast(),
                format.len(),
                params.names.as_ptr(),
                params.name_lengths.as_ptr(),
                params.values.as_ptr(),
                params.value_lengths.as_ptr(),
                params.names.len(),
            )
        };
        let stream = InsertStream {
            api: self.api,
            raw,
            connection: PhantomData,
        };
        match stream.error() {
            Some(error) => Err(error),
            None => Ok(stream),
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // SAFETY: `raw` came from `connect` and is closed only here; streams borrow the connection and are gone.
        unsafe { (self.api.close_conn)(self.raw) };
    }
}

/// Parameters in the shape that the C functions want.
struct Params<'a> {
    names: Vec<*const c_char>,
    name_lengths: Vec<usize>,
    values: Vec<*const c_char>,
    value_lengths: Vec<usize>,
    borrowed: PhantomData<&'a Param>,
}

impl<'a> Params<'a> {
    fn new(params: &'a [Param]) -> Self {
        Self {
            names: params
                .iter()
                .map(|(name, _)| name.as_ptr().cast())
                .collect(),
            name_lengths: params.iter().map(|(name, _)| name.len()).collect(),
            values: params
                .iter()
                .map(|(_, value)| value.as_ptr().cast())
                .collect(),
            value_lengths: params.iter().map(|(_, value)| value.len()).collect(),
            borrowed: PhantomData,
        }
    }
}

/// A result, or a part of one.
pub(super) struct QueryResult {
    api: &'static Api,
    raw: RawResult,
}

impl QueryResult {
    fn checked(self) -> Result<Self, ServerError> {
        if self.raw.is_null() {
            return Err(ServerError::engine("the engine gave no result"));
        }
        // SAFETY: `raw` is a result; its error is null or a string that lives as long as it does.
        match unsafe { text((self.api.result_error)(self.raw)) } {
            Some(message) => Err(ServerError::engine(&message)),
            None => Ok(self),
        }
    }

    pub(super) fn data(&self) -> &[u8] {
        // SAFETY: buffer and length belong together and live as long as the result, which `self` owns.
        unsafe {
            let data = (self.api.result_buffer)(self.raw);
            let length = (self.api.result_length)(self.raw);
            if data.is_null() || length == 0 {
                &[]
            } else {
                std::slice::from_raw_parts(data.cast(), length)
            }
        }
    }

    pub(super) fn stats(&self) -> Stats {
        // SAFETY: `raw` is a result and stays one while these numbers are read.
        unsafe {
            Stats {
                read_rows: (self.api.result_storage_rows_read)(self.raw),
                read_bytes: (self.api.result_storage_bytes_read)(self.raw),
                written_rows: (self.api.result_rows_written)(self.raw),
                written_bytes: (self.api.result_bytes_written)(self.raw),
                result_rows: (self.api.result_rows_read)(self.raw),
                result_bytes: (self.api.result_bytes_read)(self.raw),
            }
        }
    }
}

impl Drop for QueryResult {
    fn drop(&mut self) {
        // SAFETY: `raw` is ours and freed once; the function accepts null.
        unsafe { (self.api.destroy_query_result)(self.raw) };
    }
}

/// A running SELECT. Dropping it before its end cancels the query.
pub(super) struct ResultStream<'c> {
    connection: &'c mut Connection,
    handle: QueryResult,
    ended: bool,
}

impl ResultStream<'_> {
    /// The next block, or `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<QueryResult>, ServerError> {
        if self.ended {
            return Ok(None);
        }
        // SAFETY: connection and handle are alive and belong together.
        let raw = unsafe {
            (self.connection.api.stream_fetch_result)(*self.connection.raw, self.handle.raw)
        };
        let block = QueryResult {
            api: self.connection.api,
            raw,
        }
        .checked();
        match block {
            Ok(block) if !block.data().is_empty() => Ok(Some(block)),
            Ok(_) => {
                self.ended = true;
                Ok(None)
            }
            Err(error) => {
                self.ended = true;
                Err(error)
            }
        }
    }
}

impl Drop for ResultStream<'_> {
    fn drop(&mut self) {
        if !self.ended {
            // SAFETY: as in `next`; the handle is freed after this by its own drop.
            unsafe {
                (self.connection.api.stream_cancel_query)(*self.connection.raw, self.handle.raw);
            }
        }
    }
}

/// A running INSERT. Dropping it before [`InsertStream::finish`] cancels it.
pub(super) struct InsertStream<'c> {
    api: &'static Api,
    raw: RawInsert,
    connection: PhantomData<&'c mut Connection>,
}

impl InsertStream<'_> {
    /// Appends data; waits when the engine is behind. `false` when the engine has failed: `finish` says why.
    pub(super) fn append(&mut self, data: &[u8]) -> bool {
        // SAFETY: the stream is alive; the data is copied by the call.
        unsafe { (self.api.stream_append)(self.raw, data.as_ptr().cast(), data.len()) == 0 }
    }

    /// Ends the data and commits it.
    pub(super) fn finish(self) -> Result<Stats, ServerError> {
        // SAFETY: the stream is alive and ended once, because `self` is consumed.
        let raw = unsafe { (self.api.stream_done)(self.raw) };
        let result = QueryResult { api: self.api, raw }.checked()?;
        Ok(result.stats())
    }

    /// Ends the stream without committing what is not yet written.
    pub(super) fn cancel(self) {
        // SAFETY: the stream is alive; it is freed after this by drop.
        unsafe { (self.api.stream_cancel_insert)(self.raw) };
    }

    fn error(&self) -> Option<ServerError> {
        // SAFETY: the stream is never null; its error is null or a string that lives as long as it does.
        unsafe { text((self.api.stream_insert_error)(self.raw)) }
            .map(|message| ServerError::engine(&message))
    }
}

impl Drop for InsertStream<'_> {
    fn drop(&mut self) {
        // SAFETY: freed once, on every path; cancels what was not finished.
        unsafe { (self.api.destroy_insert_stream)(self.raw) };
    }
}

/// # Safety
///
/// `message` is null or a zero-terminated string.
unsafe fn text(message: *const c_char) -> Option<String> {
    if ptr::eq(message, ptr::null()) {
        return None;
    }
    // SAFETY: the caller vouches for it.
    Some(
        unsafe { CStr::from_ptr(message) }
            .to_string_lossy()
            .into_owned(),
    )
}
