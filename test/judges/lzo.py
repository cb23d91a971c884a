"""
Asks the LZO library: "probe" says whether it is there, "decompress" and "compress" (each content twice, with the
fast and the thorough compressor) take and give JSON lists of pieces in base64.
"""
import base64, ctypes, json, sys

MAX_SIZE = 1 << 20
try:
    library = ctypes.CDLL('liblzo2.so.2')
except OSError as error:
    sys.exit(str(error))


def call(function, source, *more):
    target = ctypes.create_string_buffer(MAX_SIZE)
    size = ctypes.c_size_t(MAX_SIZE)
    memory = ctypes.create_string_buffer(MAX_SIZE)
    result = getattr(library, function)(source, ctypes.c_size_t(len(source)), target, ctypes.byref(size), memory)
    if result != 0:
        sys.exit(f'{function}: error {result}')
    return target.raw[:size.value]


functions = {
    'probe': [],
    'decompress': ['lzo1x_decompress_safe'],
    'compress': ['lzo1x_1_compress', 'lzo1x_999_compress'],
}[sys.argv[1]]
pieces = [base64.b64decode(piece) for piece in json.load(sys.stdin)] if functions else []
json.dump([base64.b64encode(call(function, piece)).decode() for piece in pieces for function in functions], sys.stdout)
