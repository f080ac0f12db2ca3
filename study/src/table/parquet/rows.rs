//! Rows of a Parquet file as CSV.

use bytes::Bytes;
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;

/// The whole file as CSV text.
pub(super) fn csv(bytes: Vec<u8>) -> Result<Vec<u8>, ParquetError> {
    let reader = SerializedFileReader::new(Bytes::from(bytes))?;
    let schema = reader.metadata().file_metadata().schema_descr().root_schema().clone();
    let external = |error: csv::Error| ParquetError::External(Box::new(error));
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(schema.get_fields().iter().map(|field| field.name())).map_err(external)?;
    for row in reader.get_row_iter(None)? {
        let cells: Vec<String> = row?.get_column_iter().map(|(_, field)| cell(field)).collect();
        writer.write_record(&cells).map_err(external)?;
    }
    writer.into_inner().map_err(|error| ParquetError::General(error.to_string()))
}

/// A value as it stands in a CSV cell.
fn cell(field: &Field) -> String {
    match field {
        Field::Null => String::new(),
        Field::Str(text) => text.clone(),
        Field::Bytes(bytes) => String::from_utf8_lossy(bytes.data()).into_owned(),
        Field::Double(value) => value.to_string(),
        Field::Float(value) => value.to_string(),
        Field::ListInternal(list) => list.elements().iter().map(cell).collect::<Vec<_>>().join(";"),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use bonas_spaces::families::nasbench_macro::NasBenchMacro;
    use parquet::data_type::{ByteArray, ByteArrayType, DoubleType};
    use parquet::file::writer::SerializedFileWriter;
    use parquet::schema::parser::parse_message_type;

    use crate::table::{Benchmark, Reading};

    /// Two rows; `params` of the first is null.
    fn file() -> Vec<u8> {
        let schema =
            "message table { REQUIRED BYTE_ARRAY arch (UTF8); REQUIRED DOUBLE acc; OPTIONAL DOUBLE params; }";
        let schema = Arc::new(parse_message_type(schema).unwrap());
        let mut bytes = Vec::new();
        let mut writer = SerializedFileWriter::new(&mut bytes, schema, Arc::default()).unwrap();
        let mut group = writer.next_row_group().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        let archs = ["02012100", "11111221"].map(ByteArray::from);
        column.typed::<ByteArrayType>().write_batch(&archs, None, None).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<DoubleType>().write_batch(&[89.5, 92.25], None, None).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<DoubleType>().write_batch(&[2.5], Some(&[0, 1]), None).unwrap();
        column.close().unwrap();
        group.close().unwrap();
        writer.close().unwrap();
        bytes
    }

    #[test]
    fn a_file_is_a_table_and_text_stays_text() {
        let open = |columns: &[&str], bytes: &[u8]| {
            let columns = columns.iter().map(|name| name.parse().unwrap()).collect();
            let reading = Reading { columns, ..Reading::default() };
            Benchmark::parse(bytes, Path::new("t.parquet"), Arc::new(NasBenchMacro::new()), &reading)
        };
        let table = open(&["acc"], &file()).unwrap();
        assert_eq!((&*table.arms()[0].text, table.columns()[0].means()), ("02012100", vec![89.5, 92.25]));
        let error = open(&["params"], &file()).unwrap_err().to_string();
        assert!(error.contains("line 2: column `params` is empty"), "{error}");
        let whole = file();
        let error = open(&["acc"], &whole[..whole.len() - 3]).unwrap_err().to_string();
        assert!(error.contains("t.parquet: cannot be read as Parquet"), "{error}");
    }
}
