/* The module: everything that knows GMime. Loaded by compose.c, never linked into a program. */
#include <gmime/gmime.h>

#include "intake/compose_int.h"

#include "base/banned.h"

static GMimeObject *part_new(const char *type, const char *subtype, int fd, uint64_t size,
                             GMimeContentEncoding encoding)
{
    GMimePart *part = g_mime_part_new_with_type(type, subtype);
    GMimeStream *stream = g_mime_stream_fs_new_with_bounds(fd, 0, (gint64)size);
    g_mime_stream_fs_set_owner((GMimeStreamFs *)stream, FALSE);
    GMimeDataWrapper *content =
        g_mime_data_wrapper_new_with_stream(stream, GMIME_CONTENT_ENCODING_DEFAULT);

    g_mime_part_set_content(part, content);
    g_mime_part_set_content_encoding(part, encoding);
    g_object_unref(content);
    g_object_unref(stream);
    return (GMimeObject *)part;
}

static GMimeObject *text_new(const char *subtype, const struct compose_text *text)
{
    GMimeObject *part = part_new("text", subtype, text->fd, text->size,
                                 text->quoted ? GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE
                                              : GMIME_CONTENT_ENCODING_7BIT);

    g_mime_object_set_content_type_parameter(part, "charset", text->charset);
    return part;
}

/* Left to itself GMime takes the smallest character set that has the letters. */
static void say_utf8(GMimeParamList *params, const char *name)
{
    GMimeParam *param = g_mime_param_list_get_parameter(params, name);

    if (param)
        g_mime_param_set_charset(param, "utf-8");
}

static GMimeObject *file_new(const struct compose_file *file)
{
    GMimeObject *part = part_new(file->type, file->subtype, file->fd, file->size,
                                 GMIME_CONTENT_ENCODING_BASE64);

    g_mime_object_set_disposition(part, GMIME_DISPOSITION_ATTACHMENT);
    g_mime_part_set_filename((GMimePart *)part, file->name);
    say_utf8(g_mime_content_type_get_parameters(g_mime_object_get_content_type(part)), "name");
    say_utf8(g_mime_content_disposition_get_parameters(g_mime_object_get_content_disposition(part)),
             "filename");
    return part;
}

static GMimeMultipart *multipart_new(const char *subtype, const char *boundary)
{
    GMimeMultipart *multipart = g_mime_multipart_new_with_subtype(subtype);

    g_mime_multipart_set_boundary(multipart, boundary);
    return multipart;
}

static void add(GMimeMultipart *multipart, GMimeObject *part)
{
    g_mime_multipart_add(multipart, part);
    g_object_unref(part);
}

/* The text, the HTML, or both to choose from; NULL: neither. */
static GMimeObject *body_new(const struct compose_parts *parts)
{
    if (parts->text.fd >= 0 && parts->html.fd >= 0) {
        GMimeMultipart *both = multipart_new("alternative", parts->boundaries[1]);
        add(both, text_new("plain", &parts->text));
        add(both, text_new("html", &parts->html));
        return (GMimeObject *)both;
    }
    if (parts->html.fd >= 0)
        return text_new("html", &parts->html);
    return parts->text.fd >= 0 ? text_new("plain", &parts->text) : NULL;
}

static GMimeObject *whole_new(const struct compose_parts *parts)
{
    GMimeObject *body = body_new(parts);

    if (parts->file_count == 0)
        return body ? body : (GMimeObject *)g_mime_part_new_with_type("text", "plain");
    GMimeMultipart *mixed = multipart_new("mixed", parts->boundaries[0]);
    if (body)
        add(mixed, body);
    for (size_t i = 0; i < parts->file_count; i++)
        add(mixed, file_new(&parts->files[i]));
    return (GMimeObject *)mixed;
}

static bool parts_write(const struct compose_parts *parts, int fd, struct err *err)
{
    g_mime_init();
    GMimeObject *whole = whole_new(parts);
    GMimeFormatOptions *options = g_mime_format_options_new();
    GMimeStream *file = g_mime_stream_fs_new(fd);
    GMimeStream *stream = g_mime_stream_buffer_new(file, GMIME_STREAM_BUFFER_BLOCK_WRITE);

    g_mime_stream_fs_set_owner((GMimeStreamFs *)file, FALSE);
    g_mime_format_options_set_newline_format(options, GMIME_NEWLINE_FORMAT_DOS);
    errno = 0;
    bool good = g_mime_object_write_to_stream(whole, options, stream) >= 0 &&
                g_mime_stream_flush(stream) == 0;
    int sys = errno;

    g_object_unref(stream);
    g_object_unref(file);
    g_mime_format_options_free(options);
    g_object_unref(whole);
    if (!good)
        err_sys(err, ERR_IO, sys ? sys : EIO, "the message can't be put together");
    if (!good && err && (sys == ENOSPC || sys == EDQUOT))
        err->fact = "disk:full";
    return good;
}

__attribute__((visibility("default"))) extern const struct compose_module outpost_compose;
const struct compose_module outpost_compose = { parts_write };
