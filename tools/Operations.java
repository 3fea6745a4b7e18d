import java.lang.annotation.Annotation;
import java.lang.reflect.Method;
import java.util.Set;

/** Prints interface, method, HTTP method and path of what each named interface's proxy sends. */
class Operations {
    private static final Set<String> VERBS = Set.of("Get", "Put", "Patch", "Post", "Delete", "Head");

    public static void main(String[] interfaces) throws Exception {
        for (String name : interfaces) {
            for (Method method : Class.forName(name).getDeclaredMethods()) {
                for (Annotation annotation : method.getAnnotations()) {
                    print(method, annotation);
                }
            }
        }
    }

    private static void print(Method method, Annotation annotation) throws Exception {
        Class<? extends Annotation> kind = annotation.annotationType();
        if (VERBS.contains(kind.getSimpleName())) {
            System.out.println(String.join("\t",
                method.getDeclaringClass().getSimpleName(),
                method.getName(),
                kind.getSimpleName().toUpperCase(),
                (String) kind.getMethod("value").invoke(annotation)));
        }
    }
}
