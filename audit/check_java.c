/* SPDX-License-Identifier: MIT
 * Objects of Java, serialised (Java Object Serialization Specification, 6.4):
 * ObjectInputStream makes an object of every class that the stream names and
 * that the reader has, and runs its readObject().  Chains of such classes run
 * commands (ysoserial), so that, as in pickles, the names decide: a class of Java
 * or of a library of models that only holds data is none to stop for, any other
 * is.  What the data then do is not analysed, so that the result is incomplete.
 */
#define _GNU_SOURCE /* memmem */
#include "audit/check_java.h"

#include "audit/check_decode.h"
#include "audit/check_tell.h"

#include "base/arena.h"
#include "base/text.h"

/* Classes that hold values, by their whole names. */
static const char *const plain[] = {"java.lang.Boolean", "java.lang.Byte",
    "java.lang.Character", "java.lang.Double", "java.lang.Enum",
    "java.lang.Float", "java.lang.Integer", "java.lang.Long",
    "java.lang.Number", "java.lang.Object", "java.lang.Short",
    "java.lang.String", "java.lang.StringBuffer", "java.lang.StringBuilder",
    "java.math.BigDecimal", "java.math.BigInteger", "java.math.MathContext",
    "java.util.ArrayDeque", "java.util.ArrayList", "java.util.BitSet",
    "java.util.Date", "java.util.EnumMap", "java.util.LinkedList",
    "java.util.Locale", "java.util.Random", "java.util.Stack", "java.util.UUID",
    "java.util.Vector", "java.util.Arrays$ArrayList", "java.util.HashMap",
    "java.util.HashSet", "java.util.Hashtable", "java.util.LinkedHashMap",
    "java.util.LinkedHashSet", "java.util.Properties", "java.util.TreeMap",
    "java.util.TreeSet", "java.util.Collections$EmptyList",
    "java.util.Collections$EmptyMap", "java.util.Collections$SingletonList",
    "java.util.Collections$UnmodifiableCollection",
    "java.util.Collections$UnmodifiableList",
    "java.util.Collections$UnmodifiableMap",
    "java.util.Collections$UnmodifiableRandomAccessList",
    "java.util.concurrent.ConcurrentHashMap",
    "java.util.concurrent.ConcurrentHashMap$Segment",
    "java.util.concurrent.atomic.AtomicInteger",
    "java.util.concurrent.atomic.AtomicLong",
    "java.util.concurrent.locks.ReentrantLock",
    "java.util.concurrent.locks.ReentrantLock$NonfairSync",
    "java.util.concurrent.locks.ReentrantLock$Sync",
    "java.util.concurrent.locks.AbstractQueuedSynchronizer",
    "java.util.concurrent.locks.AbstractOwnableSynchronizer",
    "java.text.DecimalFormat", "java.text.DecimalFormatSymbols",
    "java.text.NumberFormat", "java.text.Format", "java.text.DateFormat",
    "java.text.SimpleDateFormat"};

/* Libraries of models, whose classes are numbers and trees. */
static const char *const models[] = {"weka.", "moa.", "edu.stanford.nlp.",
    "opennlp.", "cc.mallet.", "org.deeplearning4j.", "org.nd4j.", "hex.",
    "smile.", "ml.dmlc.", "org.jpmml.", "org.dmg.pmml.", "libsvm.",
    "de.bwaldvogel.liblinear.", "no.uib.cipr.matrix.", "gnu.trove.",
    "it.unimi.dsi.fastutil.", "org.apache.spark.ml.", "org.apache.spark.mllib.",
    "org.tribuo.", "com.oracle.labs.mlrg.", "water."};

bool
check_java_acts(const char *name, size_t len)
{
	static const char *const acts[] = {"com.sun.rowset.JdbcRowSetImpl",
	    "com.sun.org.apache.xalan.internal.xsltc.trax.TemplatesImpl",
	    "org.apache.xalan.xsltc.trax.TemplatesImpl",
	    "com.mchange.v2.c3p0.JndiRefForwardingDataSource",
	    "com.mchange.v2.c3p0.WrapperConnectionPoolDataSource",
	    "org.springframework.context.support."
	    "ClassPathXmlApplicationContext",
	    "org.springframework.context.support."
	    "FileSystemXmlApplicationContext",
	    "org.springframework.beans.factory.config.PropertyPathFactoryBean",
	    "org.apache.xbean.propertyeditor.JndiConverter",
	    "org.apache.commons.collections.functors.InvokerTransformer",
	    "org.apache.commons.configuration.JNDIConfiguration",
	    "org.apache.ibatis.datasource.jndi.JndiDataSourceFactory",
	    "org.apache.shiro.jndi.JndiObjectFactory",
	    "org.codehaus.groovy.runtime.MethodClosure",
	    "javax.script.ScriptEngineManager", "javax.naming.InitialContext",
	    "java.lang.ProcessBuilder", "java.lang.Runtime",
	    "java.beans.EventHandler", "java.net.URLClassLoader",
	    "java.rmi.server.UnicastRemoteObject",
	    "ch.qos.logback.core.db.JNDIConnectionSource",
	    "net.sf.ehcache.transaction.manager."
	    "DefaultTransactionManagerLookup"};

	return text_is_among(name, len, acts, ARRAY_LEN(acts));
}

/* TC_CLASSDESC, length, name, serialVersionUID, flags. */
#define CLASSDESC 0x72
#define NAME_MAX  256

/* Letters and what binds them, dots not twice and not at an end. */
static bool
is_name(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint8_t c = p[i];
		bool part = ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '_' ||
			    c == '$' || (c >= '0' && c <= '9' && i != 0);

		if (!part &&
		    (c != '.' || i == 0 || i + 1 == n || p[i - 1] == '.'))
			return false;
	}
	return n != 0;
}

/* What an array is of: "[[Ljava.lang.String;"; of numbers nothing is left. */
static struct slice
element(struct slice s)
{
	bool array = s.len != 0 && s.ptr[0] == '[';

	while (s.len != 0 && s.ptr[0] == '[') {
		s.ptr++;
		s.len--;
	}
	if (!array)
		return s;
	if (s.len > 2 && s.ptr[0] == 'L' && s.ptr[s.len - 1] == ';')
		return (struct slice){s.ptr + 1, s.len - 2};
	s.len = s.len == 1 && strchr("BCDFIJSZ", s.ptr[0]) != NULL ? 0 : s.len;
	return s;
}

/* A class at `at`, by all that its description has to have. */
static bool
class_at(struct rd r, size_t at, struct slice *out)
{
	size_t n;

	if (r.len - at < 3 + 1 + 8 + 1)
		return false;
	n = (size_t)(r.base[at + 1] * 256 + r.base[at + 2]);
	if (n < 2 || n > NAME_MAX || r.len - at < 3 + n + 8 + 1)
		return false;
	/* SC_WRITE_METHOD 1, SERIALIZABLE 2, EXTERNALIZABLE 4, BLOCK_DATA 8,
	 * ENUM 16 */
	if (r.base[at + 3 + n + 8] > 0x1f)
		return false;
	*out = element((struct slice){r.base + at + 3, n});
	return out->len == 0 ? r.base[at + 3] == '['
			     : is_name(out->ptr, out->len);
}

static bool
holds_data(struct slice s)
{
	if (s.len == 0 ||
	    text_is_among((const char *)s.ptr, s.len, plain, ARRAY_LEN(plain)))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(models); i++)
		if (s.len > strlen(models[i]) &&
		    memcmp(s.ptr, models[i], strlen(models[i])) == 0)
			return true;
	return false;
}

static void
objects(const struct check_file *f)
{
	const uint8_t *p = f->bytes.base + 4,
		      *end = f->bytes.base + f->bytes.len;
	struct check_tell t = {.f = f};
	struct slice name;

	while (
	    p < end && (p = memchr(p, CLASSDESC, (size_t)(end - p))) != NULL) {
		size_t at = (size_t)(p - f->bytes.base);

		if (class_at(f->bytes, at, &name) && !holds_data(name))
			check_tell_find(&t, FINDING_OBJECT_CODE, at,
			    "class '%.*s' of Java", (int)name.len,
			    (const char *)name.ptr);
		p++;
	}
	check_tell_rest(&t);
	check_short(f, FINDING_FILE_UNANALYSED, ERR_NOWHERE,
	    "java can call functions when it is loaded");
}

/* Base64 of such a stream, in text of any kind; JSON and YAML are
 * check_config's. */
static void
coded(const struct check_file *f)
{
	static const char begin[] = "rO0AB";
	const uint8_t *p = f->bytes.base, *end = p + f->bytes.len;

	while (p < end && (p = memmem(p, (size_t)(end - p), begin,
			       sizeof(begin) - 1)) != NULL) {
		struct slice s = {p, (size_t)(end - p)};
		struct arena a;
		uint8_t *out;

		s.len = check_decode_base64_run(s);
		p += s.len;
		if (!check_spend(f, s.len))
			return;
		arena_init(&a, s.len + 64);
		if ((out = arena_alloc(&a, s.len, 1)) != NULL)
			check_within(f, "base64",
			    rd_mem(out, check_decode_base64(s, out)));
		arena_release(&a);
	}
}

void
check_java(const struct check_file *f)
{
	if (check_is(f, "java"))
		objects(f);
	else if (check_is(f, "text") && !check_is(f, "json"))
		coded(f);
}
