# CPU seconds of svyglm on the models of drawn specifications, as JSON, with the p-value of each, so that it can be
# checked that the models are the same.
#
#   Rscript audit.R COLUMNS_BIN MODELS_CSV
#
# COLUMNS_BIN holds columns of float64 one after the other, the first two strata and PSU; MODELS_CSV holds rows (the
# length of a column) and, for each model, positions of its columns: weight, inside, y, X (several, without intercept),
# and how many of X's first are the exposure's. Timed are fit, covariance and Wald test, on a ready domain design, by
# svyglm's own default of convergence; the p-value is of a closer fit, which is not timed.
suppressPackageStartupMessages(library(survey))

files <- commandArgs(trailingOnly = TRUE)
models <- read.csv(files[2], colClasses = c(X = "character"))
values <- readBin(files[1], "double", file.size(files[1]) / 8)
columns <- matrix(values, nrow = models$rows[1])

declare <- function(model) {
  X <- columns[, as.integer(strsplit(model$X, " ")[[1]])]
  data <- data.frame(strata = columns[, 1], psu = columns[, 2], w = columns[, model$weight], y = columns[, model$y],
                     x = X)
  subset(svydesign(ids = ~psu, strata = ~strata, weights = ~w, data = data, nest = TRUE), columns[, model$inside] == 1)
}

answer <- function(number) {
  model <- models[number, ]
  domain <- declare(model)
  terms <- grep("^x", names(domain$variables), value = TRUE)
  formula <- reformulate(terms, "y")
  tested <- reformulate(terms[seq(2, model$spline)])
  taken <- system.time({
    fit <- svyglm(formula, design = domain, family = quasibinomial())
    covariance <- vcov(fit)
    regTermTest(fit, tested, method = "Wald")
  })
  closer <- svyglm(formula, design = domain, family = quasibinomial(), control = glm.control(epsilon = 1e-13))
  c(seconds = taken[["user.self"]] + taken[["sys.self"]], p = drop(regTermTest(closer, tested, method = "Wald")$p))
}
invisible(answer(1)) # warm up
found <- sapply(seq_len(nrow(models)), answer)
cat(jsonlite::toJSON(list(seconds = sum(found["seconds", ]), p_value = found["p", ]), auto_unbox = TRUE, digits = NA))
