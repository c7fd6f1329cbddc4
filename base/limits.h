/* SPDX-License-Identifier: MIT
 * Every limit of the project, each with its reason.  A limit that was hit
 * makes a result incomplete, never clean.
 */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

#include "base/limits_inspect.h"

/* Model files: protobuf itself stops at 2 GiB; the rest is head-room. */
#define LIMIT_MODEL_FILE ((uint64_t)8 << 30)
/* Memory for what a parser builds besides the mapped file. */
#define LIMIT_MODEL_ARENA ((size_t)4 << 30)
/* Files of one model: shards, external data; and memory for their names. */
#define LIMIT_SOURCE_FILES 1024
#define LIMIT_SOURCE_ARENA ((size_t)64 << 20)
/* Entries of one tensor's external data: four are defined. */
#define LIMIT_EXTERNAL_KEYS 32
/* config.json and the like: names of 21,843 classes are 1 MB, and jansson
 * takes some 30 bytes for one. */
#define LIMIT_CONFIG ((uint64_t)2 << 20)
/* Configurations beside a model (MLmodel, config.pbtxt, MANIFEST.json): they
 * have some KiB, and dozens of values a few levels deep. */
#define LIMIT_CONFIG_FILE   ((size_t)4 << 20)
#define LIMIT_CONFIG_DEPTH  32
#define LIMIT_CONFIG_VALUES 200000
/* YAML that is judged rather than used: what PyYAML itself gets through. */
#define LIMIT_YAML_DEPTH 500
/* Members of what its aliases stand for, one by one: who looks through each of
 * them takes as long.  Configurations have dozens. */
#define LIMIT_YAML_ALIASED ((size_t)4 << 20)
/* The tree of a configuration that is judged: a tokenizer.json of 150,000
 * words and 300,000 merges takes 50 MB. */
#define LIMIT_CONF_ARENA ((size_t)1 << 30)
/* Tokens of one Jinja template: the longest chat template has 5,000. */
#define LIMIT_TEMPLATE_ARENA ((size_t)64 << 20)
/* Nodes and tensors of a graph: swin_t has 6,500 nodes. */
#define LIMIT_NODES   200000
#define LIMIT_TENSORS 200000
/* Inputs and outputs of one node, attributes, integers in one attribute. */
#define LIMIT_NODE_ARITY 4096
#define LIMIT_NODE_ATTRS 64
#define LIMIT_ATTR_INTS  4096
/* Functions of an ONNX model (PyTorch's exporter makes one of each kind of
 * module), how deep they call each other, and memory for what they expand to:
 * the 6,500 nodes of swin_t take 4 MB. */
#define LIMIT_FUNCTIONS      20000
#define LIMIT_FUNCTION_DEPTH 64
#define LIMIT_FUNCTION_BYTES ((uint64_t)64 << 20)
/* Graph, tensor and file names. */
#define LIMIT_NAME 4096
/* The header of a safetensors file (the reference reader's own limit). */
#define LIMIT_SAFETENSORS_HEADER ((uint64_t)100000000)
/* HDF5: messages, links, tree nodes and chunks of one file (a large Keras model
 * has 20,000); bytes in memory that are not views of the file: weights hardly
 * compress, zeros do. */
#define LIMIT_HDF5_RECORDS 2000000
#define LIMIT_HDF5_FREE    ((uint64_t)64 << 20)
#define LIMIT_HDF5_RATIO   ((uint64_t)16)
/* Entries of a zip archive that is a model: one for each tensor. */
#define LIMIT_ZIP_ENTRIES 250000
/* What one compressed entry may become, and all of them. */
#define LIMIT_ZIP_INFLATED ((uint64_t)2 << 30)
/* Keras: the configuration (EfficientNetB7: 1 MB), its layers (813), and the
 * names of a layer and of the models that it is in. */
#define LIMIT_KERAS_CONFIG ((uint64_t)4 << 20)
#define LIMIT_KERAS_LAYERS 20000
#define LIMIT_KERAS_PATH   512
/* The same when it is only looked at: a vocabulary may be in it.  Objects in
 * one another, groups of HDF5 in one another, memory for its tree. */
#define LIMIT_KERAS_TEXT   ((size_t)64 << 20)
#define LIMIT_KERAS_DEPTH  1000
#define LIMIT_KERAS_GROUPS 64
#define LIMIT_KERAS_ARENA  ((size_t)1 << 30)
/* Nodes of a TensorFlow graph with all its functions (a large one has 100,000),
 * and memory for the names that are compared. */
#define LIMIT_TF_NODES 4000000
#define LIMIT_TF_ARENA ((size_t)1 << 30)
/* Graphs of ONNX in one another: an If in a Loop in an If is 3. */
#define LIMIT_ONNX_DEPTH 64
/* GGUF: what llama.cpp itself takes at most of entries, and of tensors. */
#define LIMIT_GGUF_KEYS    65536
#define LIMIT_GGUF_TENSORS 65536
/* Elements of one tensor: 16 GiB of floats. */
#define LIMIT_ELEMENTS ((uint64_t)1 << 32)
/* Elements of one value while a net runs (the matrix products count in int),
 * and memory for one run: VGG-19 on 224x224 takes 0.3 GB an image. */
#define LIMIT_VALUE_ELEMENTS ((size_t)INT32_MAX)
#define LIMIT_RUN_BYTES      ((size_t)16 << 30)
/* Nodes that the engine runs (its planning is quadratic), inputs of one. */
#define LIMIT_STEPS      16384
#define LIMIT_STEP_ARITY 64
/* Parts of one Split. */
#define LIMIT_SPLIT 64
/* Elements of a constant that is computed when a net is planned: the attention
 * masks of swin_t have 150,000. */
#define LIMIT_FOLD_ELEMENTS ((size_t)1 << 24)
/* Multiply-adds of all of them: some seconds by the plain loops. */
#define LIMIT_FOLD_WORK ((size_t)1 << 31)
/* Classes of a classifier: ImageNet-21k has 21,843. */
#define LIMIT_CLASSES 65536
/* Side of an image, channels, and images in one data set. */
#define LIMIT_IMAGE_SIDE     8192
#define LIMIT_IMAGE_CHANNELS 64
#define LIMIT_IMAGES         4000000
/* A decoded data set in memory. */
#define LIMIT_DATASET_BYTES ((uint64_t)12 << 30)
/* What a bundle may hold unless the user says otherwise: members, bytes in
 * all, and bytes out for each byte in once LIMIT_BUNDLE_FREE came out (deflate
 * reaches 1032, weights stay below 10). */
#define LIMIT_BUNDLE_ENTRIES 100000
#define LIMIT_BUNDLE_BYTES   ((uint64_t)64 << 30)
#define LIMIT_BUNDLE_RATIO   200
#define LIMIT_BUNDLE_FREE    ((uint64_t)64 << 20)
/* Archives within the bundle's archive, within those: a .mar in a tar. */
#define LIMIT_BUNDLE_DEPTH 2
/* Names in a bundle: the whole, one component (NAME_MAX), and the depth. */
#define LIMIT_MEMBER_NAME  1024
#define LIMIT_MEMBER_PART  255
#define LIMIT_MEMBER_DEPTH 64
/* Findings in one document: beyond that nobody reads on. */
#define LIMIT_FINDINGS 10000
/* The header of an NPY file: NumPy before 1.24 reads one of any length, later versions up to 10,000 bytes
 * unless they are asked for more. */
#define LIMIT_NPY_HEADER 1048576
/* Scans of a progressive JPEG: each costs a pass over the whole image. */
#define LIMIT_JPEG_SCANS 64
/* Nodes of a pickle (the index of 100,000 poisoned images has 2 million), its
 * stack (a tuple is put there whole), and memory for stack and memo. */
#define LIMIT_PICKLE_NODES ((size_t)1 << 23)
#define LIMIT_PICKLE_STACK ((size_t)1 << 20)
/* Nodes that are alive at once, and stack, when it is only inspected: what the
 * memo keeps of a pickle of some gigabytes, in 1 GB. */
#define LIMIT_PICKLE_LEAN       ((size_t)1 << 25)
#define LIMIT_PICKLE_LEAN_BYTES ((size_t)4 << 30)
#define LIMIT_PICKLE_SCRATCH    ((size_t)1 << 30)
/* Depth of dictionaries and modules in one another, and steps of one walk. */
#define LIMIT_TORCH_DEPTH 64
#define LIMIT_TORCH_STEPS ((size_t)1 << 22)
/* What a person wrote: policies, taxonomies; a policy's entries, signatures. */
#define LIMIT_POLICY            ((uint64_t)4 << 20)
#define LIMIT_POLICY_ENTRIES    4096
#define LIMIT_POLICY_SIGNATURES 16
/* JSON documents of ours, and keys. */
#define LIMIT_DOCUMENT ((uint64_t)256 << 20)
#define LIMIT_KEY_FILE ((uint64_t)1 << 20)

#endif
