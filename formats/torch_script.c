/* SPDX-License-Identifier: MIT */
#include "formats/torch_script.h"

#include "base/limits.h"
#include "formats/onnx.h"
#include "formats/script.h"
#include "formats/torch_module.h"
#include "formats/torch_tensor.h"
#include "formats/torch_zip.h"

#define TEXT  (16 << 20) /* bytes of source of all files */
#define FILES 65536

/* What the code is about. */
struct host {
	struct torch *t;
	const struct torch_found *f;
	struct map tensor; /* name -> index in f->tensor */
	struct map file;   /* module -> index in source */
	struct script_source **source;
	size_t nsource, left;
	const struct pickle_node *constants;
	struct script_value *constant; /* of type SCRIPT_NONE: not yet */
};

bool
torch_script_is(const struct torch *t)
{
	return t->is_zip && torch_module_is_script(t->root);
}

/* --- code ---------------------------------------------------------------- */

static const struct script_source *
source(void *ctx, const char *module, struct err *e)
{
	struct host *h = ctx;
	struct arena *a = h->t->arena;
	size_t at = map_get(&h->file, module);
	struct script_source *s;
	struct slice text;
	char *name;

	if (at != SIZE_MAX)
		return h->source[at];
	if (h->nsource == FILES || strlen(module) > LIMIT_NAME) {
		(void)!torch_full(e);
		return NULL;
	}
	name = arena_printf(a, "code/%.2000s.py", module);
	for (char *c = name + 5; c[3] != '\0'; c++)
		if (*c == '.')
			*c = '/';
	s = arena_alloc(a, 1, sizeof(*s));
	if (s == NULL) {
		(void)!torch_full(e);
		return NULL;
	}
	if (torch_zip_entry(h->t, name, &text, e) != 0)
		return NULL;
	if (text.len > h->left) {
		(void)!torch_full(e);
		return NULL;
	}
	h->left -= text.len;
	if (script_text_read(text, name, a, s, e) != 0)
		return NULL;
	if (map_put(&h->file, module, h->nsource) < 0) {
		(void)!torch_full(e);
		return NULL;
	}
	h->source[h->nsource++] = s;
	return s;
}

static const char *
class_of(void *ctx, const struct script_object *o)
{
	struct host *h = ctx;
	const struct pickle_node *c =
	    pickle_is(o->node, PICKLE_CALL) ? o->node->call->callee : NULL;
	struct slice m, n;

	if (!pickle_is(c, PICKLE_GLOBAL))
		return NULL;
	m = c->name->module;
	n = c->name->name;
	if (m.len + n.len > 1000)
		return NULL;
	return arena_printf(h->t->arena, "%.*s.%.*s", (int)m.len,
	    (const char *)m.ptr, (int)n.len, (const char *)n.ptr);
}

/* --- values -------------------------------------------------------------- */

static int
of_tensor(struct host *h, const struct tensor *t, struct script_value *out,
    struct err *e)
{
	struct script_tensor *v = arena_alloc(h->t->arena, 1, sizeof(*v));

	if (v == NULL)
		return torch_full(e);
	v->name = t->name;
	v->rank = t->rank;
	v->data = t;
	v->truth = t->dtype == DTYPE_BOOL;
	v->whole = t->dtype >= DTYPE_I64;
	for (size_t i = 0; i < t->rank; i++)
		v->dim[i] = (int64_t)t->dim[i];
	*out = (struct script_value){.type = SCRIPT_TENSOR, .t = v};
	return 0;
}

static int
of_object(struct host *h, const struct pickle_node *n, const char *path,
    struct script_value *out, struct err *e)
{
	struct script_object *o = arena_alloc(h->t->arena, 1, sizeof(*o));

	if (o == NULL)
		return torch_full(e);
	*o = (struct script_object){.node = n, .path = path};
	*out = (struct script_value){.type = SCRIPT_OBJECT, .o = o};
	return 0;
}

static int of_node(struct host *, const struct pickle_node *, const char *path,
    size_t depth, struct script_value *, struct err *);

static int
of_row(struct host *h, const struct pickle_node *n, size_t depth,
    struct script_value *out, struct err *e)
{
	struct script_row *l = arena_alloc(h->t->arena, 1, sizeof(*l));
	int rc = torch_spend(h->t, n->n, e);

	if (l == NULL || depth > 4)
		return torch_full(e);
	if (rc != 0)
		return rc;
	l->v = arena_alloc(h->t->arena, (size_t)n->n + 1, sizeof(*l->v));
	if (l->v == NULL)
		return torch_full(e);
	l->n = l->room = n->n;
	l->kept = true;
	for (size_t i = 0; rc == 0 && i < l->n; i++)
		rc = of_node(h, n->item[i], NULL, depth + 1, &l->v[i], e);
	*out = (struct script_value){.type = SCRIPT_ROW, .list = l};
	return rc;
}

/* path: of an attribute; NULL: of what is in a list. */
static int
of_node(struct host *h, const struct pickle_node *n, const char *path,
    size_t depth, struct script_value *out, struct err *e)
{
	size_t at;

	*out = (struct script_value){.type = SCRIPT_UNKNOWN};
	if (pickle_is(n, PICKLE_NONE)) {
		out->type = SCRIPT_NONE;
	} else if (pickle_is(n, PICKLE_BOOL)) {
		*out = (struct script_value){.type = SCRIPT_BOOL, .i = n->i};
	} else if (pickle_int(n, &out->i)) {
		out->type = SCRIPT_INT;
	} else if (pickle_is(n, PICKLE_FLOAT)) {
		*out = (struct script_value){.type = SCRIPT_REAL, .f = n->f};
	} else if (pickle_is(n, PICKLE_STR)) {
		out->type = SCRIPT_TEXT;
		out->s = arena_strdup(
		    h->t->arena, (const char *)n->text.ptr, n->text.len);
		return out->s != NULL ? 0 : torch_full(e);
	} else if (pickle_is(n, PICKLE_TUPLE) || pickle_is(n, PICKLE_LIST)) {
		return of_row(h, n, depth, out, e);
	} else if (pickle_is(n, PICKLE_CALL) && n->call->args != NULL &&
		   (pickle_calls(n, "torch.jit._pickle", "build_intlist") ||
		       pickle_calls(
			   n, "torch.jit._pickle", "build_doublelist") ||
		       pickle_calls(
			   n, "torch.jit._pickle", "build_boollist"))) {
		return of_node(
		    h, pickle_item(n->call->args, 0), NULL, depth, out, e);
	} else if (path != NULL && torch_module_is_script(n)) {
		return of_object(h, n, path, out, e);
	} else if (path != NULL && torch_tensor_is(h->t, n)) {
		if ((at = map_get(&h->tensor, path)) != SIZE_MAX)
			return of_tensor(h, &h->f->tensor[at], out, e);
	}
	return 0;
}

static int
field(void *ctx, const struct script_object *o, const char *name,
    struct script_value *out, struct err *e)
{
	struct host *h = ctx;
	const struct pickle_node *state = o->node->call->state, *n;
	int rc;

	*out = (struct script_value){.type = SCRIPT_UNKNOWN};
	if (!pickle_is(state, PICKLE_DICT))
		return 0;
	if ((rc = torch_spend(h->t, state->n, e)) != 0)
		return rc;
	if ((n = pickle_get(state, name)) == NULL)
		return 0;
	return of_node(h, n,
	    arena_printf(h->t->arena, "%.2000s%s%.2000s", o->path,
		*o->path != '\0' ? "." : "", name),
	    0, out, e);
}

/* --- constants ----------------------------------------------------------- */

/* Of rank 0 they are numbers. */
static int
number(const struct tensor *t, struct script_value *out)
{
	if (t->rank != 0)
		return 0;
	*out = (struct script_value){.type = SCRIPT_REAL};
	if (t->dtype < DTYPE_I64)
		out->f = tensor_real(t, 0);
	else if (t->dtype == DTYPE_BOOL)
		*out = (struct script_value){
		    .type = SCRIPT_BOOL, .i = *t->data != 0};
	else if (tensor_int(t, 0, &out->i))
		out->type = SCRIPT_INT;
	return 0;
}

static int
constant(void *ctx, size_t i, struct script_value *out, struct err *e)
{
	struct host *h = ctx;
	const struct pickle_node *n = pickle_item(h->constants, i);
	struct tensor *t;
	int rc;

	*out = (struct script_value){.type = SCRIPT_UNKNOWN};
	if (n == NULL)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "torch: the code has a constant %zu, the file has not", i);
	if (h->constant[i].type != SCRIPT_NONE) {
		*out = h->constant[i];
		return 0;
	}
	if (!torch_tensor_is(h->t, n)) {
		rc = of_node(h, n, NULL, 0, out, e);
	} else {
		if ((t = arena_alloc(h->t->arena, 1, sizeof(*t))) == NULL)
			return torch_full(e);
		h->t->folder = "constants/";
		rc = torch_tensor(h->t, n,
		    arena_printf(h->t->arena, "CONSTANTS.c%zu", i), t, e);
		h->t->folder = "data/";
		if (rc == 0 && (rc = of_tensor(h, t, out, e)) == 0)
			rc = number(t, out);
	}
	if (rc == 0)
		h->constant[i] = *out;
	return rc;
}

static int
read_constants(struct host *h, struct err *e)
{
	struct err none;
	struct slice s;
	struct rd r;
	int rc;

	if (torch_zip_entry(h->t, "constants.pkl", &s, &none) != 0)
		return 0;
	r = rd_mem(s.ptr, s.len);
	if ((rc = pickle_read(&h->t->pickle, &r, &h->constants, e)) != 0)
		return rc;
	if (!pickle_is(h->constants, PICKLE_TUPLE)) {
		h->constants = NULL;
		return 0;
	}
	h->constant = arena_alloc(
	    h->t->arena, (size_t)h->constants->n + 1, sizeof(*h->constant));
	return h->constant != NULL ? 0 : torch_full(e);
}

/* --- the whole ----------------------------------------------------------- */

static int
prepare(struct host *h, struct err *e)
{
	struct arena *a = h->t->arena;

	map_init(&h->tensor, a);
	map_init(&h->file, a);
	h->source = arena_alloc(a, FILES, sizeof(*h->source));
	if (h->source == NULL)
		return torch_full(e);
	for (size_t i = 0; i < h->f->n; i++)
		if (map_put(&h->tensor, h->f->tensor[i].name, i) < 0)
			return torch_full(e);
	return read_constants(h, e);
}

/* Weights within objects of PyTorch's own classes, whatever operation on them
 * was met first. */
static int
packed(struct host *h, int rc, struct err *e)
{
	static const char *const file[][2] = {
	    {"code/__torch__/torch/classes/quantized.py",
		"is quantised: save the model before quantisation, or export "
		"it as ONNX"},
	    {"code/__torch__/torch/classes/xnnpack.py",
		"has weights that optimize_for_mobile() packed: save the "
		"model before that"}};
	struct slice s;
	struct err none;

	for (size_t i = 0; rc == ERR_UNSUPPORTED && i < ARRAY_LEN(file); i++)
		if (torch_zip_entry(h->t, file[i][0], &s, &none) == 0)
			return err_set(e, rc, ERR_NOWHERE, "torch: the code %s",
			    file[i][1]);
	return rc;
}

int
torch_script_load(struct torch *t, const struct torch_found *f, struct model *m,
    struct err *e)
{
	struct host h = {.t = t, .f = f, .left = TEXT};
	struct script_host host = {.source = source,
	    .field = field,
	    .class = class_of,
	    .constant = constant,
	    .ctx = &h};
	struct script s = {.arena = t->arena, .e = e, .host = &host};
	struct script_object root = {.node = t->root, .path = ""};
	struct onnx_file *file = arena_alloc(t->arena, 1, sizeof(*file));
	int rc;

	*e = (struct err){0};
	if (file == NULL)
		return torch_full(e);
	if ((rc = prepare(&h, e)) != 0 || (rc = script_run(&s, &root)) != 0)
		return packed(&h, rc, e);
	*file = s.f;
	file->input = arena_alloc(t->arena, 1, sizeof(*file->input));
	if (file->input == NULL)
		return torch_full(e);
	*file->input = s.input;
	if ((rc = onnx_make(m, file, e)) != 0)
		return rc;
	m->format = "torch";
	m->producer = "";
	m->note = arena_printf(t->arena,
	    "the graph is that of the file's own code (%zu operations)%s%s%s",
	    file->nnode,
	    strncmp(m->note, "opset 17", 8) == 0 ? m->note + 8 : "",
	    s.trained ? "; saved in training mode, read as inference" : "",
	    s.assumed ? "; it asks for its processor or for gradients, read "
			"as on a CPU and with them"
		      : "");
	return model_check(m, e);
}
