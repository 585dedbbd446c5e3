"""Copies a GGUF file and puts another file's tokenizer into it: some programs load no model without one.

usage: add_tokenizer.py MODEL.gguf TOKENIZER.gguf OUT.gguf
"""

import os
import sys

import gguf


def copy_keys(writer, path, wanted):
    for name, field in gguf.GGUFReader(path).fields.items():
        if name.startswith("GGUF.") or name == "general.architecture" or not wanted(name):
            continue
        is_array = field.types[0] == gguf.GGUFValueType.ARRAY
        writer.add_key_value(name, field.contents(), field.types[0], field.types[-1] if is_array else None)


def main():
    model, tokenizer, out = sys.argv[1:]
    reader = gguf.GGUFReader(model)
    writer = gguf.GGUFWriter(out + ".part", reader.fields["general.architecture"].contents())
    copy_keys(writer, model, lambda name: not name.startswith("tokenizer."))
    copy_keys(writer, tokenizer, lambda name: name.startswith("tokenizer."))
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    os.replace(out + ".part", out)


main()
