/**
 * libzstd for src/lib/zstd/wasm.ts, in one translation unit; scripts/make-zstd-wasm.mjs compiles it.
 *
 * The sources are those of libzstd, unchanged. Two things are set from outside.
 */
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/*
 * Pointers of WebAssembly have 32 bits, but its arithmetic has 64. libzstd derives from the size of size_t how many bits it
 * reads, compares and writes at a time (mem.h). With a wide size_t it does as on the 64-bit machines whose bytes it has to
 * match, and is a tenth faster. The headers of the C library come before this line; calls into it convert.
 */
#define size_t unsigned long long

#define ZSTD_STATIC_LINKING_ONLY
#include "common/debug.c"
#include "common/entropy_common.c"
#include "common/error_private.c"
#include "common/fse_decompress.c"
#include "common/xxhash.c"
#include "common/zstd_common.c"
#include "compress/fse_compress.c"
#include "compress/hist.c"
#include "compress/huf_compress.c"
#include "compress/zstd_compress_literals.c"
#include "compress/zstd_compress_sequences.c"
#include "compress/zstd_compress_superblock.c"
#include "compress/zstd_double_fast.c"
#include "compress/zstd_fast.c"
#include "compress/zstd_lazy.c"
#include "compress/zstd_ldm.c"
#include "compress/zstd_opt.c"
#include "compress/zstd_preSplit.c"

/*
 * Nobody loads a dictionary or compresses a frame piece by piece, so two thirds of the match finders are never called.
 * zstd_compress.c puts them into a table by these names; without an entry there the linker drops them. Should one be called
 * all the same, the program ends in a trap.
 */
#pragma clang diagnostic ignored "-Wmacro-redefined"
#define ZSTD_compressBlock_fast_dictMatchState NULL
#define ZSTD_compressBlock_fast_extDict NULL
#define ZSTD_COMPRESSBLOCK_DOUBLEFAST_DICTMATCHSTATE NULL
#define ZSTD_COMPRESSBLOCK_DOUBLEFAST_EXTDICT NULL
#define ZSTD_COMPRESSBLOCK_GREEDY_DEDICATEDDICTSEARCH NULL
#define ZSTD_COMPRESSBLOCK_GREEDY_DEDICATEDDICTSEARCH_ROW NULL
#define ZSTD_COMPRESSBLOCK_GREEDY_DICTMATCHSTATE NULL
#define ZSTD_COMPRESSBLOCK_GREEDY_DICTMATCHSTATE_ROW NULL
#define ZSTD_COMPRESSBLOCK_GREEDY_EXTDICT NULL
#define ZSTD_COMPRESSBLOCK_GREEDY_EXTDICT_ROW NULL
#define ZSTD_COMPRESSBLOCK_LAZY_DEDICATEDDICTSEARCH NULL
#define ZSTD_COMPRESSBLOCK_LAZY_DEDICATEDDICTSEARCH_ROW NULL
#define ZSTD_COMPRESSBLOCK_LAZY_DICTMATCHSTATE NULL
#define ZSTD_COMPRESSBLOCK_LAZY_DICTMATCHSTATE_ROW NULL
#define ZSTD_COMPRESSBLOCK_LAZY_EXTDICT NULL
#define ZSTD_COMPRESSBLOCK_LAZY_EXTDICT_ROW NULL
#define ZSTD_COMPRESSBLOCK_LAZY2_DEDICATEDDICTSEARCH NULL
#define ZSTD_COMPRESSBLOCK_LAZY2_DEDICATEDDICTSEARCH_ROW NULL
#define ZSTD_COMPRESSBLOCK_LAZY2_DICTMATCHSTATE NULL
#define ZSTD_COMPRESSBLOCK_LAZY2_DICTMATCHSTATE_ROW NULL
#define ZSTD_COMPRESSBLOCK_LAZY2_EXTDICT NULL
#define ZSTD_COMPRESSBLOCK_LAZY2_EXTDICT_ROW NULL
#define ZSTD_COMPRESSBLOCK_BTLAZY2_DICTMATCHSTATE NULL
#define ZSTD_COMPRESSBLOCK_BTLAZY2_EXTDICT NULL
#define ZSTD_COMPRESSBLOCK_BTOPT_DICTMATCHSTATE NULL
#define ZSTD_COMPRESSBLOCK_BTOPT_EXTDICT NULL
#define ZSTD_COMPRESSBLOCK_BTULTRA_DICTMATCHSTATE NULL
#define ZSTD_COMPRESSBLOCK_BTULTRA_EXTDICT NULL
#include "compress/zstd_compress.c"

#include "decompress/huf_decompress.c"
#include "decompress/zstd_ddict.c"
#include "decompress/zstd_decompress.c"
#include "decompress/zstd_decompress_block.c"

/*
 * What the module exports. Sizes have 32 bits here. A result below 0 is an error, and its code that number without the sign
 * (zstd_errors.h).
 */
#define EXPORT(name) __attribute__((export_name(name)))

EXPORT("createCCtx") ZSTD_CCtx *createCCtx(void) { return ZSTD_createCCtx(); }

EXPORT("createDCtx") ZSTD_DCtx *createDCtx(void) { return ZSTD_createDCtx(); }

EXPORT("compress")
int32_t compressFrame(ZSTD_CCtx *cctx, void *target, uint32_t capacity, const void *source, uint32_t size, int level) {
  return (int32_t)ZSTD_compressCCtx(cctx, target, capacity, source, size, level);
}

EXPORT("decompress")
int32_t decompressFrame(ZSTD_DCtx *dctx, void *target, uint32_t capacity, const void *source, uint32_t size) {
  return (int32_t)ZSTD_decompressDCtx(dctx, target, capacity, source, size);
}

/* The bytes written to `target` and those read of `source` go to `done`. The result is 0 at the end of a frame. */
EXPORT("decompressStream")
int32_t decompressPiece(ZSTD_DCtx *dctx, void *target, uint32_t capacity, const void *source, uint32_t size, uint32_t done[2]) {
  ZSTD_outBuffer output = {target, capacity, 0};
  ZSTD_inBuffer input = {source, size, 0};
  size_t left = ZSTD_decompressStream(dctx, &output, &input);
  done[0] = (uint32_t)output.pos;
  done[1] = (uint32_t)input.pos;
  return ZSTD_isError(left) ? (int32_t)left : left != 0;
}

EXPORT("malloc") void *allocate(uint32_t size) { return malloc(size); }

EXPORT("free") void release(void *memory) { free(memory); }
